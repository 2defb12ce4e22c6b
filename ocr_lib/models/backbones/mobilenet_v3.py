"""MobileNetV3 for text lines: the height shrinks to 1, the width to a quarter."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.config.checks import one_of
from ocr_lib.models.layers import SqueezeExcite, conv_norm, make_divisible

SCALES = (0.35, 0.5, 0.75, 1.0, 1.25)


class Row(NamedTuple):
    """One block of the network: widths are before scaling; `stride` indexes the stride list."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    act: type[nn.Layer]
    stride: int | None = None


ROWS = {
    "large": (
        Row(3, 16, 16, False, nn.ReLU, 0),
        Row(3, 64, 24, False, nn.ReLU, 1),
        Row(3, 72, 24, False, nn.ReLU),
        Row(5, 72, 40, True, nn.ReLU, 2),
        Row(5, 120, 40, True, nn.ReLU),
        Row(5, 120, 40, True, nn.ReLU),
        Row(3, 240, 80, False, nn.Hardswish),
        Row(3, 200, 80, False, nn.Hardswish),
        Row(3, 184, 80, False, nn.Hardswish),
        Row(3, 184, 80, False, nn.Hardswish),
        Row(3, 480, 112, True, nn.Hardswish),
        Row(3, 672, 112, True, nn.Hardswish),
        Row(5, 672, 160, True, nn.Hardswish, 3),
        Row(5, 960, 160, True, nn.Hardswish),
        Row(5, 960, 160, True, nn.Hardswish),
    ),
    "small": (
        Row(3, 16, 16, True, nn.ReLU, 0),
        Row(3, 72, 24, False, nn.ReLU, 1),
        Row(3, 88, 24, False, nn.ReLU),
        Row(5, 96, 40, True, nn.Hardswish, 2),
        Row(5, 240, 40, True, nn.Hardswish),
        Row(5, 240, 40, True, nn.Hardswish),
        Row(5, 120, 48, True, nn.Hardswish),
        Row(5, 144, 48, True, nn.Hardswish),
        Row(5, 288, 96, True, nn.Hardswish, 3),
        Row(5, 576, 96, True, nn.Hardswish),
        Row(5, 576, 96, True, nn.Hardswish),
    ),
}
LAST_WIDTH = {"large": 960, "small": 576}

Strides = tuple[int, int, int, int]


class ResidualUnit(nn.Layer):
    """Inverted residual: expand 1x1, depthwise, squeeze-excite, project 1x1."""

    def __init__(
        self,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int | tuple[int, int],
        squeeze: bool,
        act: type[nn.Layer],
    ) -> None:
        super().__init__()
        self.shortcut = stride == 1 and in_channels == out_channels
        self.expand_conv = conv_norm(in_channels, mid_channels, 1, act=act)
        self.bottleneck_conv = conv_norm(
            mid_channels, mid_channels, kernel_size, stride, groups=mid_channels, act=act
        )
        self.mid_se = SqueezeExcite(mid_channels, slope=0.2) if squeeze else None
        self.linear_conv = conv_norm(mid_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        y = self.bottleneck_conv(self.expand_conv(x))
        if self.mid_se is not None:
            y = self.mid_se(y)
        y = self.linear_conv(y)
        return x + y if self.shortcut else y


class MobileNetV3(nn.Layer):
    """MobileNetV3 whose strides keep the width: [N, 3, 32, W] → [N, C, 1, W/4].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Howard et al., "Searching for MobileNetV3" (2019); PaddleOCR
    ppocr/modeling/backbones/rec_mobilenet_v3.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            model_name: "small" or "large".
            scale: multiplies every width; 0.35, 0.5, 0.75, 1.0 or 1.25.
            large_stride: the four strides of "large"; the first applies to both axes, the others to
                the height. Default [1, 2, 2, 2].
            small_stride: the four strides of "small", all of the height. Default [2, 2, 2, 2];
                configurations for text lines use [1, 2, 2, 2].
            disable_se: leaves the squeeze-excite gates out.
        """

        model_name: Literal["small", "large"] = "small"
        scale: float = 0.5
        large_stride: Strides | None = None
        small_stride: Strides | None = None
        disable_se: bool = False

        def __post_init__(self) -> None:
            one_of(self, SCALES, "scale")

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        strides = _strides(config.model_name, config.large_stride, config.small_stride)

        width = make_divisible(16 * config.scale)
        self.conv1 = conv_norm(in_channels, width, 3, 2, act=nn.Hardswish)
        blocks = []
        for row in ROWS[config.model_name]:
            out = make_divisible(row.out * config.scale)
            blocks.append(
                ResidualUnit(
                    width,
                    make_divisible(row.expanded * config.scale),
                    out,
                    row.kernel,
                    1 if row.stride is None else strides[row.stride],
                    row.squeeze and not config.disable_se,
                    row.act,
                )
            )
            width = out
        self.blocks = nn.Sequential(*blocks)
        self.out_channels = make_divisible(LAST_WIDTH[config.model_name] * config.scale)
        self.conv2 = conv_norm(width, self.out_channels, 1, act=nn.Hardswish)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, out_channels, H/32, W/4] with the usual strides."""
        return functional.max_pool2d(self.conv2(self.blocks(self.conv1(x))), 2, 2)


def _strides(
    model_name: str, large: Strides | None, small: Strides | None
) -> list[int | tuple[int, int]]:
    if model_name == "large":
        first, *rest = large or (1, 2, 2, 2)
        return [first, *((stride, 1) for stride in rest)]
    return [(stride, 1) for stride in small or (2, 2, 2, 2)]
