"""Where a value was written, and the errors that name it."""

import pickle
from dataclasses import dataclass

import pytest

from ocr_lib.config.location import FieldError, LocatedError, SourceLocation
from ocr_lib.errors import ConfigError

LOCATIONS = {(): "my.yml:1", ("Optimizer",): "my.yml:3", ("Optimizer", "lr", "name"): "-o"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("Optimizer", "lr", "name"), "-o: Optimizer.lr.name"),
        (("Optimizer", "lr"), "my.yml:3: Optimizer.lr"),
        (("Train", "transforms", 2), "my.yml:1: Train.transforms.2"),
        ((), "my.yml:1"),
    ],
)
def test_the_nearest_line_above_is_shown(path: tuple[str | int, ...], shown: str) -> None:
    assert str(SourceLocation(path, LOCATIONS)) == shown


def test_without_lines_the_key_alone_is_shown() -> None:
    assert str(SourceLocation(("Loss",), {}).child("weights", 0)) == "Loss.weights.0"


def test_an_error_knows_its_key() -> None:
    error = SourceLocation(("Optimizer",), LOCATIONS).child("lr").error("is 3", "Write less")
    assert isinstance(error, LocatedError)
    assert error.path == ("Optimizer", "lr")
    assert str(error) == "my.yml:3: Optimizer.lr: is 3. Write less."


def test_a_long_value_is_cut() -> None:
    error = SourceLocation(("Optimizer",), LOCATIONS).error(f"is {'9' * 5000}", "Write less")
    assert len(str(error)) < 600
    assert str(error).endswith("999…. Write less.")


@dataclass
class Block:
    lr: float = 3.0


@pytest.mark.parametrize(
    ("field", "shown"), [("lr", "Block.lr"), (("lr", "name", 0), "Block.lr.name.0")]
)
def test_a_field_is_named_with_its_block(field: str | tuple[str | int, ...], shown: str) -> None:
    error = FieldError(Block(), field, "is 3", "Write less")
    assert error.where == shown
    sent = pickle.loads(pickle.dumps(error))
    assert isinstance(sent, ConfigError)
    assert str(sent) == str(error)
