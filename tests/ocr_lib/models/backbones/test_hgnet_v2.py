"""PP-HGNetV2 B4 makes a row of columns of a text line."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.hgnet_v2 import HGV2Block, HGV2Stage, LightConv, PPHGNetV2B4, Stem
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured


@pytest.mark.slow
def test_training_pools_to_a_fixed_number_of_columns_and_evaluation_does_not() -> None:
    network = configured(PPHGNetV2B4)
    assert columns(network, 3, 48, 64) == [2048, 1, 40]
    network.eval()
    assert network(paddle.rand([1, 3, 48, 64])).shape == [1, 2048, 1, 8]


@pytest.mark.parametrize("size", [(48, 64), (32, 30)])
def test_a_stem_quarters_height_and_width(size) -> None:
    height, width = size
    output = Stem(3, 4, 6)(paddle.rand([2, 3, height, width]))
    assert output.shape == [2, 6, height // 2, width // 2]


def test_a_light_convolution_has_fewer_weights() -> None:
    light = HGV2Block(32, 32, 32, True, 5, False)
    dense = HGV2Block(32, 32, 32, False, 5, False)
    assert isinstance(light.layers[0], LightConv)
    sizes = [sum(p.size for p in block.layers.parameters()) for block in (light, dense)]
    assert sizes[0] < sizes[1] / 10


def test_a_residual_block_adds_what_it_read() -> None:
    images = paddle.rand([2, 8, 4, 6])
    block = HGV2Block(8, 4, 8, False, 3, residual=True)
    block.eval()
    added = block(images) - images
    block.residual = False
    assert paddle.allclose(added, block(images), atol=1e-5)


def test_a_stage_strides_once() -> None:
    stage = HGV2Stage(8, 4, 12, 2, False, 3, (1, 2))
    assert stage(paddle.rand([2, 8, 4, 12])).shape == [2, 12, 4, 6]


def test_the_network_for_whole_images_is_refused() -> None:
    with pytest.raises(ConfigError, match="text_rec: is False"):
        configured(PPHGNetV2B4, text_rec=False)
