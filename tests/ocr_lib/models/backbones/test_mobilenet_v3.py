"""MobileNetV3 makes a row of columns of a text line."""

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.mobilenet_v3 import MobileNetV3
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured


@pytest.mark.parametrize(
    ("arguments", "features"),
    [
        ({"scale": 0.35, "small_stride": [1, 2, 2, 2]}, [200, 1, 16]),
        ({"scale": 0.35, "small_stride": [2, 2, 2, 2]}, [200, 1, 16]),
        ({"scale": 0.5, "small_stride": [1, 2, 2, 2]}, [288, 1, 16]),
        ({"model_name": "large", "scale": 0.35}, [336, 1, 16]),
        ({"model_name": "large", "scale": 0.35, "large_stride": [1, 2, 2, 2]}, [336, 1, 16]),
    ],
)
def test_an_image_becomes_a_row_of_columns(arguments, features) -> None:
    assert columns(configured(MobileNetV3, **arguments), 3, 32, 64) == features


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"small_stride": [1, 2]}, r"small_stride: is \[1, 2\]. Write a list of 4"),
        ({"model_name": "smal"}, "model_name: is 'smal', which is not known"),
        ({"scale": 0.6}, r"scale: is 0\.6, which is not known"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(MobileNetV3, **arguments)
