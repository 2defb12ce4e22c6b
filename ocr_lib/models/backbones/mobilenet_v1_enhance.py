"""MobileNetV1Enhance, the backbone of PP-OCRv2 and PP-OCRv3."""

from dataclasses import dataclass
from typing import Literal

from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import KaimingNormal

from ocr_lib.models.layers import Size, SqueezeExcite, conv_norm, no_decay

# Output width before scaling, stride and depthwise kernel; the last two rows have a gate.
ROWS = (
    (64, 1, 3),
    (128, 1, 3),
    (128, 1, 3),
    (256, (2, 1), 3),
    (256, 1, 3),
    (512, (2, 1), 3),
    (512, 1, 5),
    (512, 1, 5),
    (512, 1, 5),
    (512, 1, 5),
    (512, 1, 5),
    (1024, (2, 1), 5),
)


def _conv(
    in_channels: int, out_channels: int, kernel: int, stride: Size = 1, groups: int = 1
) -> nn.Sequential:
    return conv_norm(
        in_channels,
        out_channels,
        kernel,
        stride,
        groups=groups,
        act=nn.Hardswish,
        names=("_conv", "_batch_norm"),
        weight_attr=ParamAttr(initializer=KaimingNormal()),
        norm_attr=no_decay(),
    )


class DepthwiseSeparable(nn.Layer):
    """A depthwise convolution, a squeeze-excite gate where asked for, and a 1x1 convolution."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: Size, squeeze: bool
    ) -> None:
        super().__init__()
        self._depthwise_conv = _conv(in_channels, in_channels, kernel, stride, groups=in_channels)
        self._se = SqueezeExcite(in_channels) if squeeze else None
        self._pointwise_conv = _conv(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        x = self._depthwise_conv(x)
        if self._se is not None:
            x = self._se(x)
        return self._pointwise_conv(x)


class MobileNetV1Enhance(nn.Layer):
    """MobileNetV1 with 5x5 kernels and gates at its end.

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: Howard et al., "MobileNets" (2017); PaddleOCR
    ppocr/modeling/backbones/rec_mv1_enhance.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            scale: multiplies every width.
            last_conv_stride: stride of the last block; [1, 2] in PP-OCRv3.
            last_pool_type: "max" (2x2) or "avg".
            last_pool_kernel_size: of the average pooling; [2, 2] in PP-OCRv3.
        """

        scale: float = 0.5
        last_conv_stride: int | tuple[int, int] = 1
        last_pool_type: Literal["max", "avg"] = "max"
        last_pool_kernel_size: tuple[int, int] = (3, 2)

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.averages = config.last_pool_type == "avg"
        self.pool_size = list(config.last_pool_kernel_size)
        width = int(32 * config.scale)
        self.conv1 = _conv(in_channels, width, 3, 2)
        blocks = []
        for out, stride, kernel in (*ROWS, (1024, config.last_conv_stride, 5)):
            squeeze = out == 1024
            blocks.append(
                DepthwiseSeparable(width, int(out * config.scale), kernel, stride, squeeze)
            )
            width = int(out * config.scale)
        self.block_list = nn.Sequential(*blocks)
        self.out_channels = width

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 32, W] → [N, C, 1, W/4]; in PP-OCRv3 [N, 3, 48, W] → [N, C, 1, W/8]."""
        x = self.block_list(self.conv1(x))
        if self.averages:
            return functional.avg_pool2d(x, self.pool_size)
        return functional.max_pool2d(x, 2, 2)
