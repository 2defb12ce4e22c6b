"""What the resize operations of a configuration mean, and what they refuse."""

from typing import Any

import pytest

from ocr_lib.data.image import Preprocess
from ocr_lib.errors import ConfigError
from tests.ocr_lib.data.pictures import config


@pytest.mark.parametrize(
    ("name", "args", "buckets", "message"),
    [
        ("SARRecResizeImg", {"image_shape": [3, 48, 160]}, None, "least width"),
        ("SARRecResizeImg", {"image_shape": [3, 48, 48, 160]}, [160], "own widths"),
        ("GrayRecResizeImg", {"image_shape": [1, 32, 100]}, None, r"\[width, height\]"),
        ("GrayRecResizeImg", {"image_shape": [9, 9], "resize_type": "X"}, None, "OpenCV, PIL"),
        ("GrayRecResizeImg", {"image_shape": [9, 9], "inter_type": "BOX"}, None, "LANCZOS"),
        ("GrayRecResizeImg", {"image_shape": [9, 9], "scale": False}, None, "only true"),
    ],
)
def test_resize_operations_are_checked(name: str, args: Any, buckets: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Preprocess.from_config(config(name, buckets, **args))


def test_reads_the_config() -> None:
    fixed = Preprocess.from_config(config(image_shape=[3, 48, 320]))
    assert fixed == Preprocess(48, (320,))
    bucketed = Preprocess.from_config(config(image_shape=[1, 32, 100], buckets=[64, 96]))
    assert bucketed == Preprocess(32, (64, 96), channels=1)
    assert Preprocess.from_dict(bucketed.to_dict()) == bucketed


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("KeepKeys", {}),
        ("RecResizeImg", {}),
        ("RecResizeImg", {"image_shape": [3, 48]}),
        ("RecResizeImg", {"image_shape": [3, 48, "320"]}),
        ("RecResizeImg", {"image_shape": [2, 48, 320]}),
        ("RecResizeImg", {"image_shape": [3, 48, 320], "buckets": [320, 64]}),
        ("RecResizeImg", {"image_shape": [3, 48, 320], "buckets": [0]}),
        ("RecResizeImg", {"image_shape": [3, 48, 320], "buckets": [64, 96], "padding": False}),
    ],
)
def test_bad_configs_name_the_key(name: str, args: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"image_shape|width_buckets|Eval\.dataset\.transforms"):
        Preprocess.from_config(config(name, **args))
