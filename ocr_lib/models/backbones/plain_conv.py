"""PlainConv: a small convolutional backbone that trains fast on a CPU."""

from dataclasses import dataclass

import paddle
from paddle import nn

STRIDE = 4  # one time step is 4 px of the image's width


class PlainConv(nn.Layer):
    """3x3 convolutions on a grey line, height folded away by one full-height convolution.

    What it avoids decides its speed. A convolution on a CPU is a matrix product whose inner
    dimension is channels in × kernel area: with 1 or 16 channels it runs at 2–20 GFLOP/s, with 64
    and more at 45–110 (2 cores of an EPYC, batch 32). So the first layer is one 6x6 convolution of
    stride 2, the narrow layers are few, and depthwise convolutions, which have no inner
    dimension, do not occur at all.

    Input [N, C, H, W], H a multiple of 16 and W of 4; output [N, out_channels, 1, W / 4].

    Args:
        config: its arguments.
        in_channels: 1 or 3.

    Source: VGG (Simonyan and Zisserman, 2014) in the CRNN arrangement (Shi et al., 2015).
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            height: H, px.
            widths: channels of the four stages.
            out_channels: channels of the output.
        """

        height: int = 32
        widths: tuple[int, int, int, int] = (32, 64, 64, 128)
        out_channels: int = 192

    def __init__(self, config: Config, in_channels: int = 1) -> None:
        super().__init__()
        first, second, third, fourth = config.widths
        self.stem = _conv(in_channels, first, kernel=6, padding=2, stride=2)  # [N, ., H/2, W/2]
        self.halve = nn.MaxPool2D(2)
        self.stage1 = nn.Sequential(_conv(first, second), _conv(second, third))  # H/4, W/4
        self.flatten_rows = nn.MaxPool2D((2, 1), (2, 1))
        self.stage2 = nn.Sequential(_conv(third, fourth), _conv(fourth, fourth))  # H/8, W/4
        self.columns = _conv(
            fourth, config.out_channels, kernel=(config.height // 8, 3), padding=(0, 1)
        )
        self.out_channels = config.out_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Returns features float32 [N, out_channels, 1, W / 4] of images [N, C, H, W]."""
        x = self.halve(self.stem(x))
        x = self.flatten_rows(self.stage1(x))
        return self.columns(self.stage2(x))


def _conv(
    in_channels: int,
    out_channels: int,
    kernel: int | tuple[int, int] = 3,
    padding: int | tuple[int, int] = 1,
    stride: int = 1,
) -> nn.Layer:
    return nn.Sequential(
        nn.Conv2D(in_channels, out_channels, kernel, stride, padding, bias_attr=False),
        nn.BatchNorm2D(out_channels),
        nn.ReLU(),
    )
