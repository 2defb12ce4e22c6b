"""PP-HGNet small makes a row of columns of a text line."""

import paddle
import pytest

from ocr_lib.models.backbones.hgnet import ESEModule, HGBlock, HGStage, PPHGNetSmall
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured


@pytest.mark.slow
def test_training_pools_to_a_fixed_number_of_columns_and_evaluation_does_not() -> None:
    network = configured(PPHGNetSmall)
    assert columns(network, 3, 48, 64) == [1024, 1, 40]
    network.eval()
    assert network(paddle.rand([1, 3, 48, 64])).shape == [1, 1024, 1, 8]


def test_a_gate_scales_channels() -> None:
    gate = ESEModule(4)
    images = paddle.rand([2, 4, 3, 5]) + 0.1
    scale = gate(images) / images
    assert paddle.allclose(scale, scale.mean([2, 3], keepdim=True).expand_as(scale), atol=1e-5)
    assert 0 < float(scale.min()) < float(scale.max()) < 1


def test_a_residual_block_adds_what_it_read() -> None:
    images = paddle.rand([2, 8, 4, 6])
    block = HGBlock(8, 4, 8, residual=True)
    block.eval()
    added = block(images) - images
    block.residual = False
    assert paddle.allclose(added, block(images), atol=1e-5)


def test_a_stage_strides_once() -> None:
    stage = HGStage(8, 4, 12, depth=2, stride=(2, 1))
    assert stage(paddle.rand([2, 8, 8, 6])).shape == [2, 12, 4, 6]
    assert [block.residual for block in stage.blocks] == [False, True]
