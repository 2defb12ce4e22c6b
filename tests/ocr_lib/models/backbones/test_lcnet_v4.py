"""PP-LCNetV4 makes a row of columns of a text line."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.export.paddle_format import merge_branches
from ocr_lib.models.backbones.lcnet_v4 import LCNetV4Block, PPLCNetV4, RepDepthwise
from tests.ocr_lib.models.backbones.columns import columns
from tests.ocr_lib.models.backbones.test_rep_layer import with_statistics
from tests.ocr_lib.models.configured import configured


def test_training_pools_to_a_fixed_number_of_columns_and_evaluation_does_not() -> None:
    network = configured(PPLCNetV4, model_size="tiny")
    assert columns(network, 3, 48, 64) == [160, 1, 40]
    network.eval()
    assert network(paddle.rand([1, 3, 48, 64])).shape == [1, 160, 1, 8]
    assert network(paddle.rand([1, 3, 32, 36])).shape == [1, 160, 1, 4]


@pytest.mark.parametrize(("size", "width"), [("small", 384), ("medium", 768)])
def test_larger_sizes_are_wider_and_begin_with_a_pooled_branch(size, width) -> None:
    network = configured(PPLCNetV4, model_size=size)
    network.eval()
    assert network(paddle.rand([1, 3, 48, 16])).shape == [1, width, 1, 2]
    assert "conv1.stem2a.conv.weight" in network.state_dict()


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="model_size"):
        configured(PPLCNetV4, model_size="base")


def test_one_depthwise_convolution_computes_what_the_branches_do() -> None:
    layer = with_statistics(RepDepthwise(6))
    layer.eval()
    images = paddle.rand([2, 6, 8, 10])
    expected = layer(images)
    layer.rep()
    assert paddle.allclose(layer(images), expected, atol=1e-5)
    assert set(layer.state_dict()) == {"reparam_conv.weight", "reparam_conv.bias"}
    layer.rep()  # once more changes nothing
    assert paddle.allclose(layer(images), expected, atol=1e-5)


def test_a_merged_network_computes_what_the_trained_one_does() -> None:
    network = configured(PPLCNetV4, model_size="tiny")
    images = paddle.rand([2, 3, 48, 64])
    network(images)  # statistics of its own
    for layer in network.sublayers():
        if isinstance(layer, LCNetV4Block):
            norm = layer.channel_mixer.compress.bn
            norm.weight.set_value(paddle.ones_like(norm.weight))
    network.eval()
    expected = network(images)
    parameters = len(network.state_dict())
    merge_branches(network)
    assert len(network.state_dict()) < parameters
    scale = float(expected.abs().max())
    assert paddle.allclose(network(images), expected, rtol=1e-5, atol=1e-5 * scale)


def test_a_block_that_changes_nothing_in_size_begins_as_its_depthwise_convolution() -> None:
    block = LCNetV4Block(8, 8, 1, squeeze=True)
    images = paddle.rand([2, 8, 4, 6])
    assert paddle.allclose(block(images), block.token_mixer(images))
    wider = LCNetV4Block(8, 12, (2, 1), squeeze=False)
    assert wider(images).shape == [2, 12, 2, 6]
    assert float(wider(images).abs().max()) > 0


def test_a_fused_network_has_the_parameters_of_a_merged_one() -> None:
    fused = configured(PPLCNetV4, model_size="tiny", fused=True)
    merged = configured(PPLCNetV4, model_size="tiny")
    merge_branches(merged)
    shapes = [{n: p.shape for n, p in net.state_dict().items()} for net in (fused, merged)]
    assert shapes[0] == shapes[1]
    fused.set_state_dict(merged.state_dict())
    images = paddle.rand([1, 3, 48, 64])
    fused.eval()
    merged.eval()
    assert paddle.allclose(fused(images), merged(images))
    merge_branches(fused)  # changes nothing
    assert paddle.allclose(fused(images), merged(images))
