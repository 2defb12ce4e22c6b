"""MobileNetV1Enhance makes a row of columns of a text line."""

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.mobilenet_v1_enhance import MobileNetV1Enhance
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured

V3 = {"last_conv_stride": [1, 2], "last_pool_type": "avg", "last_pool_kernel_size": [2, 2]}


def test_an_image_becomes_a_row_of_columns() -> None:
    assert columns(configured(MobileNetV1Enhance, scale=0.25), 3, 32, 64) == [256, 1, 16]
    assert columns(configured(MobileNetV1Enhance, scale=0.25, **V3), 3, 48, 64) == [256, 1, 8]


def test_a_wrong_argument_is_refused() -> None:
    with pytest.raises(ConfigError, match="last_pool_type: is 'mean'"):
        configured(MobileNetV1Enhance, last_pool_type="mean")
