"""Small layers that several networks share."""

import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.models.layers import BatchNorm, SqueezeExcite, conv_norm, linear_attrs, make_divisible


@given(st.floats(0.1, 4000), st.sampled_from([4, 8, 16]))
def test_channels_are_multiples_and_never_below_nine_tenths(channels: float, by: int) -> None:
    rounded = make_divisible(channels, by)
    assert rounded % by == 0
    assert rounded >= max(by, 0.9 * channels)
    assert rounded <= max(by, channels + by)


@pytest.mark.parametrize(
    ("kernel", "size"), [(1, [8, 12]), (3, [8, 12]), (5, [8, 12]), ([1, 3], [8, 12])]
)
def test_odd_kernels_keep_the_size(kernel, size) -> None:
    layer = conv_norm(3, 5, kernel)
    assert layer(paddle.rand([2, 3, 8, 12])).shape == [2, 5, *size]


def test_names_of_a_convolution_and_its_norm_are_those_of_the_weights() -> None:
    layer = conv_norm(3, 5, 3, names=("_conv", "_batch_norm"), bias=True, act=paddle.nn.ReLU)
    assert set(layer.state_dict()) == {
        "_conv.weight",
        "_conv.bias",
        "_batch_norm.weight",
        "_batch_norm.bias",
        "_batch_norm._mean",
        "_batch_norm._variance",
    }
    assert float(layer(paddle.randn([2, 3, 8, 8])).min()) == 0.0


def test_a_norm_computes_what_paddles_does() -> None:
    ours, theirs = BatchNorm(4), paddle.nn.BatchNorm2D(4)
    images = paddle.randn([3, 4, 5, 6])
    theirs.eval()
    ours.eval()
    assert paddle.allclose(ours(images), theirs(images))
    ours.train()
    normal = ours(images)
    assert paddle.allclose(normal.mean([0, 2, 3]), paddle.zeros([4]), atol=1e-5)
    assert paddle.allclose(normal.var([0, 2, 3], unbiased=False), paddle.ones([4]), atol=1e-3)
    assert paddle.allclose(ours._mean, 0.1 * images.mean([0, 2, 3]), atol=1e-5)


def test_a_gate_scales_each_channel_by_one_number() -> None:
    images = paddle.rand([2, 8, 3, 5]) + 0.5
    scale = SqueezeExcite(8)(images) / images
    assert paddle.allclose(scale, scale.mean([2, 3], keepdim=True).expand_as(scale), atol=1e-5)
    assert float(scale.min()) >= 0
    assert float(scale.max()) <= 1


def test_an_output_layer_has_a_decay_of_its_own() -> None:
    layer = paddle.nn.Linear(64, 10, *linear_attrs(64, 0.5))
    for parameter in (layer.weight, layer.bias):
        assert float(parameter.abs().max()) <= 64**-0.5
        assert parameter.regularizer._coeff == 0.5
