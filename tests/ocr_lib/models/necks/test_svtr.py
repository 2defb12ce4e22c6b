"""SVTR's encoder of a feature map."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.necks.svtr import EncoderWithLightSVTR, EncoderWithSVTR
from tests.ocr_lib.models.configured import configured

SMALL = {"dims": 12, "depth": 1, "hidden_dims": 16, "num_heads": 2}


def test_a_map_keeps_its_size_and_gets_the_channels_asked_for() -> None:
    neck = configured(EncoderWithSVTR, 32, **SMALL)
    assert neck.out_channels == 12
    for height, width in ((1, 40), (2, 9)):
        assert neck(paddle.rand([2, 32, height, width])).shape == [2, 12, height, width]


def test_a_guided_branch_keeps_its_gradient_from_the_backbone() -> None:
    for guided in (False, True):
        features = paddle.rand([1, 32, 1, 8])
        features.stop_gradient = False
        neck = configured(EncoderWithSVTR, 32, use_guide=guided, **SMALL)
        neck(features).sum().backward()
        assert (features.grad is None or float(features.grad.abs().sum()) == 0) is guided


def test_a_kernel_of_one_row_mixes_no_rows_before_the_blocks() -> None:
    neck = configured(EncoderWithSVTR, 32, kernel_size=[1, 3], **SMALL)
    assert neck.conv1.conv.weight.shape[2:] == [1, 3]
    assert neck.conv4.conv.weight.shape[2:] == [1, 3]


def test_the_light_encoder_keeps_the_size_of_a_map() -> None:
    neck = configured(EncoderWithLightSVTR, 32, dims=16, local_kernel=5)
    assert neck.out_channels == 16
    for height, width in ((1, 40), (2, 9)):
        assert neck(paddle.rand([2, 32, height, width])).shape == [2, 16, height, width]


@pytest.mark.parametrize("guided", [False, True])
def test_the_light_encoder_teaches_the_backbone_unless_it_is_guided(guided) -> None:
    features = paddle.rand([1, 32, 1, 8])
    features.stop_gradient = False
    neck = configured(EncoderWithLightSVTR, 32, dims=16, use_guide=guided)
    neck(features).square().sum().backward()
    assert (features.grad is None or float(features.grad.abs().sum()) == 0) is guided


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"local_kernel": 4}, r"local_kernel: is 4, .*Give an odd number"),
        ({"dims": 12}, r"dims: is 12, which 8 heads cannot share .*Give a multiple of num_heads"),
    ],
)
def test_a_light_encoder_that_cannot_be_built_is_refused(arguments, message) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(EncoderWithLightSVTR, 32, **arguments)
