"""SVTR's encoder of a feature map."""

import paddle

from ocr_lib.models.necks.svtr import EncoderWithSVTR
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
