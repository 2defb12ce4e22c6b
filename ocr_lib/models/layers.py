"""Small layers that several networks share."""

from collections.abc import Sequence

from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.regularizer import L2Decay

Size = int | Sequence[int]


class BatchNorm(nn.BatchNorm2D):
    """Batch norm over [N, C] or [N, C, H, W] that does not warn at every training step."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, …] → the same shape."""
        return functional.batch_norm(
            x,
            self._mean,
            self._variance,
            self.weight,
            self.bias,
            training=self.training,
            momentum=self._momentum,
            epsilon=self._epsilon,
            use_global_stats=self._use_global_stats,
        )


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Rounds a channel count to a multiple of `divisor`, never below 90 % of it.

    Source: Howard et al., "Searching for MobileNetV3" (2019), reference code.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size | None = None,
    groups: int = 1,
    act: type[nn.Layer] | None = None,
    names: tuple[str, str] = ("conv", "bn"),
    bias: bool = False,
    weight_attr: ParamAttr | None = None,
    norm_attr: ParamAttr | None = None,
) -> nn.Sequential:
    """Convolution, batch norm and, where `act` is given, an activation.

    Args:
        in_channels: channels in.
        out_channels: channels out.
        kernel_size: of the convolution.
        stride: of the convolution.
        padding: default: "same" for odd kernels.
        groups: of the convolution.
        act: activation class.
        names: what the convolution and the norm are called in the weights: families differ.
        bias: whether the convolution has one.
        weight_attr: of the convolution's weight.
        norm_attr: of the norm's weight and bias.
    """
    if padding is None:
        padding = (
            kernel_size // 2 if isinstance(kernel_size, int) else [k // 2 for k in kernel_size]
        )
    conv = nn.Conv2D(
        in_channels,
        out_channels,
        kernel_size,
        stride=stride,
        padding=padding,
        groups=groups,
        weight_attr=weight_attr,
        bias_attr=None if bias else False,
    )
    norm = BatchNorm(out_channels, weight_attr=norm_attr, bias_attr=norm_attr)
    parts = [(names[0], conv), (names[1], norm)]
    if act is not None:
        parts.append(("act", act()))
    return nn.Sequential(*parts)


class SqueezeExcite(nn.Layer):
    """Scales each channel of [N, C, H, W] by a gate computed from its mean.

    Args:
        channels: C.
        reduction: C over the width of the hidden layer.
        slope: of the gate's hard sigmoid: 1/6, but 0.2 in PaddleOCR's MobileNetV3.
        attr: of its parameters.

    Source: Hu et al., "Squeeze-and-Excitation Networks" (2018).
    """

    def __init__(
        self, channels: int, reduction: int = 4, slope: float = 1 / 6, attr: ParamAttr | None = None
    ) -> None:
        super().__init__()
        self.slope = slope
        hidden = channels // reduction
        self.conv1 = nn.Conv2D(channels, hidden, 1, weight_attr=attr, bias_attr=attr)
        self.conv2 = nn.Conv2D(hidden, channels, 1, weight_attr=attr, bias_attr=attr)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → the same shape."""
        gate = functional.adaptive_avg_pool2d(x, 1)
        gate = self.conv2(functional.relu(self.conv1(gate)))
        return x * functional.hardsigmoid(gate, slope=self.slope)


def no_decay(learning_rate: float = 1.0) -> ParamAttr:
    """Parameter attributes that exempt a norm from weight decay."""
    return ParamAttr(regularizer=L2Decay(0.0), learning_rate=learning_rate)


def linear_attrs(fan_in: int, l2_decay: float) -> tuple[ParamAttr, ParamAttr]:
    """Weight and bias attributes of an output layer: U(±1/√fan_in), with a decay of its own.

    Source: PaddleOCR ppocr/modeling/heads/rec_ctc_head.py, get_para_bias_attr.
    """
    bound = fan_in**-0.5
    initializer = nn.initializer.Uniform(-bound, bound)
    weight = ParamAttr(regularizer=L2Decay(l2_decay), initializer=initializer)
    bias = ParamAttr(regularizer=L2Decay(l2_decay), initializer=initializer)
    return weight, bias
