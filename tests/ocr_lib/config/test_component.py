"""Components by name, and the dataclasses that their arguments fill."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ocr_lib.config.component import (
    arguments_of,
    check_components,
    check_name,
    component_of,
    load_table,
    parse_component,
)
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Step:
    rate: float
    epochs: int = 3


class Layer:
    @dataclass(frozen=True, kw_only=True)
    class Config:
        width: int = 8


TABLE = {"Step": Step, "Layer": Layer}
REFERENCE = f"{__name__}:TABLE"
HERE = SourceLocation(("Optimizer", "lr"), {("Optimizer",): "a.yml:4"})


def test_a_table_is_found_by_module_and_name() -> None:
    assert load_table(REFERENCE) is TABLE


def test_arguments_fill_the_dataclass_or_the_one_inside() -> None:
    assert parse_component(TABLE, ComponentConfig("Step", {"rate": "1e-3"}), HERE) == Step(
        rate=0.001
    )
    assert parse_component(TABLE, ComponentConfig("Layer"), HERE) == Layer.Config()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ComponentConfig("Stepp"), r"^a\.yml:4: Optimizer\.lr\.name: is 'Stepp'.* is Step\."),
        (ComponentConfig("Step"), r"^a\.yml:4: Optimizer\.lr: Step needs rate"),
        (ComponentConfig("Step", {"rate": 1, "epoch": 2}), r"lr\.epoch: .* is epochs\."),
        (ComponentConfig("Step", {"rate": "fast"}), r"lr\.rate: is 'fast'"),
    ],
)
def test_mistakes_are_named_with_line_and_key(config: ComponentConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_component(TABLE, config, HERE)


def test_a_name_is_looked_up() -> None:
    check_name(TABLE, "Step", HERE)
    with pytest.raises(ConfigError, match="'Other', which is not known"):
        check_name(TABLE, "Other", HERE)


@dataclass(frozen=True, kw_only=True)
class Block:
    name: str = "Step"
    lr: ComponentConfig | None = field(default=None, metadata=component_of(REFERENCE))
    parts: tuple[ComponentConfig, ...] = field(default=(), metadata=component_of(REFERENCE))
    args: dict[str, Any] = field(default_factory=dict, metadata=arguments_of(REFERENCE))

    def __post_init__(self) -> None:
        check_components(self)


def test_numbers_for_texts_are_put_into_the_block() -> None:
    lr = ComponentConfig("Step", {"rate": "1e-3"})
    block = Block(lr=lr, parts=(lr, ComponentConfig("Layer")), args={"rate": "2e-3"})
    assert block.lr == ComponentConfig("Step", {"rate": 0.001})
    assert block.parts == (block.lr, ComponentConfig("Layer"))
    assert block.args == {"rate": 0.002}


def test_a_part_of_the_users_own_is_left_to_who_builds_it() -> None:
    own = ComponentConfig("my.package:Class", {"anything": "1e-3"})
    assert Block(args={"rate": 1}, parts=(own,)).parts == (own,)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"lr": ComponentConfig("Step", {"rate": "x"})}, ("lr", "rate")),
        ({"parts": (ComponentConfig("Layer"), ComponentConfig("X"))}, ("parts", 1)),
        ({"args": {"rate": 1, "width": 2}}, ("width",)),
    ],
)
def test_an_error_names_the_field_of_the_block(
    values: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    with pytest.raises(FieldError) as error:
        Block(**{"args": {"rate": 1}, **values})
    assert error.value.path == path
