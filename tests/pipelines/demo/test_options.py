from pathlib import Path
from typing import Any

import pytest

from ocr_lib.errors import ConfigError
from pipelines.demo.options import DemoOptions


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "sroie train.v2.tar"
    path.touch()
    return path


@pytest.mark.parametrize("given", ["train", "test"])
def test_one_data_set_alone_is_refused(given: str, data: Path) -> None:
    options: dict[str, Any] = {given: data}
    with pytest.raises(ConfigError, match="Name the other one too"):
        DemoOptions(out=data.parent, **options)


def test_a_missing_file_is_named(data: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        DemoOptions(out=data.parent, train=data, test=data.with_name("gone.tar"))


def test_no_time_to_train_is_refused(data: Path) -> None:
    with pytest.raises(ConfigError, match="--minutes"):
        DemoOptions(out=data.parent, minutes=0)


def test_models_of_different_data_do_not_compete(data: Path) -> None:
    assert DemoOptions(out=data.parent).model_name == "demo"
    given = DemoOptions(out=data.parent, train=data, test=data)
    assert given.model_name == "demo-sroie-train"
    named = DemoOptions(out=data.parent, parameters={"model_name": "receipts"})
    assert named.model_name == "receipts"
