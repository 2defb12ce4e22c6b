import paddle
import pytest

from ocr_lib.export.paddle_format import merge_branches
from ocr_lib.models.backbones.lcnet_v3 import PPLCNetV3
from ocr_lib.models.backbones.rep_layer import LearnableRepLayer
from tests.ocr_lib.models.configured import configured

SHAPES = [
    {"in_channels": 6, "out_channels": 6, "kernel_size": 3, "groups": 6},
    {"in_channels": 6, "out_channels": 6, "kernel_size": 5, "groups": 6, "stride": (2, 1)},
    {"in_channels": 6, "out_channels": 6, "kernel_size": 1},
    {"in_channels": 4, "out_channels": 8, "kernel_size": 1},
    {"in_channels": 6, "out_channels": 6, "kernel_size": 3, "groups": 2},
]


def with_statistics(layer: paddle.nn.Layer) -> paddle.nn.Layer:
    """Gives every parameter and statistic a value of its own."""
    for name, tensor in layer.state_dict().items():
        values = paddle.rand(tensor.shape)
        tensor.set_value(values + 0.5 if name.endswith(("_variance", "scale")) else values - 0.5)
    return layer


@pytest.mark.parametrize("arguments", SHAPES)
def test_one_convolution_computes_what_the_branches_do(arguments) -> None:
    layer = with_statistics(LearnableRepLayer(branches=3, **arguments))
    layer.eval()
    images = paddle.rand([2, arguments["in_channels"], 8, 10])
    expected = layer(images)
    layer.rep()
    assert paddle.allclose(layer(images), expected, atol=1e-5)
    assert set(dict(layer.named_parameters())) == {
        "lab.scale",
        "lab.bias",
        "act.lab.scale",
        "act.lab.bias",
        "reparam_conv.weight",
        "reparam_conv.bias",
    }
    layer.rep()  # once more changes nothing
    assert paddle.allclose(layer(images), expected, atol=1e-5)


def test_a_fused_network_takes_the_weights_of_a_trained_one() -> None:
    trained = with_statistics(configured(PPLCNetV3, scale=0.35, conv_kxk_num=2))
    trained.eval()
    images = paddle.rand([1, 3, 48, 64])
    expected = trained(images)
    fused = configured(PPLCNetV3, scale=0.35, fused=True)
    merge_branches(trained)
    missing, unexpected = fused.set_state_dict(trained.state_dict())
    assert (missing, unexpected) == ([], [])
    fused.eval()
    assert paddle.allclose(fused(images), expected, rtol=1e-3, atol=1e-4)


def test_branches_are_a_matter_of_training_only() -> None:
    plain, fused = configured(PPLCNetV3, scale=0.35), configured(PPLCNetV3, scale=0.35, fused=True)
    assert len(plain.state_dict()) > 4 * len(fused.state_dict())
    fused.train()
    fused(paddle.rand([1, 3, 48, 64])).sum().backward()
    assert fused.blocks2[0].dw_conv.reparam_conv.weight.grad is not None
