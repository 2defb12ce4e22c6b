"""ResNet-vd makes a row of columns of a text line."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.resnet_vd import ResNet, ResNetVdBlock, ResNetVdBottleneck
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.configured import configured


def test_an_image_becomes_a_row_of_columns() -> None:
    assert columns(configured(ResNet, layers=18), 3, 32, 32) == [512, 1, 8]


@pytest.mark.slow
def test_a_bottleneck_network_announces_the_channels_it_has() -> None:
    network = configured(ResNet, layers=50)
    assert network(paddle.rand([1, 3, 32, 16])).shape == [1, network.out_channels, 1, 4]


@pytest.mark.parametrize(("block", "widening"), [(ResNetVdBlock, 1), (ResNetVdBottleneck, 4)])
def test_a_block_adds_to_what_it_read(block, widening) -> None:
    images = paddle.rand([2, 8 * widening, 8, 16])
    layer = block(8 * widening, 8, 1, True)
    layer.eval()
    for parameter in layer.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    assert paddle.equal_all(layer(images), images)  # nothing is added to what is above zero
    assert block(8, 8, 1, False)(paddle.rand([2, 8, 8, 16])).shape == [2, 8 * widening, 8, 16]


def test_an_unknown_depth_is_refused() -> None:
    with pytest.raises(ConfigError, match="layers: is 33, which is not known"):
        configured(ResNet, layers=33)
