"""PP-HGNetV2 B4, the backbone of PP-OCRv5's server recogniser."""

from dataclasses import dataclass
from typing import Literal

import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Constant, KaimingNormal

from ocr_lib.models.backbones.line_pool import TRAIN_COLUMNS, pool_to_line
from ocr_lib.models.layers import BatchNorm, Size, no_decay

LAYERS = 6
STEM = (32, 48)
# A stage: width of its layers, of its output, blocks, light layers, kernel, stride before them.
STAGES = (
    (48, 128, 1, False, 3, (2, 1)),
    (96, 512, 1, False, 3, (1, 2)),
    (192, 1024, 3, True, 5, (2, 1)),
    (384, 2048, 1, True, 5, (2, 1)),
)
IMAGENET_CLASSES = 1000


def _conv(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: Size = 1,
    groups: int = 1,
    act: bool = True,
) -> nn.Sequential:
    """Convolution and norm; an even kernel pads so that the size stays."""
    conv = nn.Conv2D(
        in_channels,
        out_channels,
        kernel,
        stride,
        padding=kernel // 2 if kernel % 2 else "SAME",
        groups=groups,
        weight_attr=ParamAttr(initializer=KaimingNormal()),
        bias_attr=False,
    )
    norm = BatchNorm(out_channels, weight_attr=no_decay(), bias_attr=no_decay())
    activation = [("act", nn.ReLU())] if act else []
    return nn.Sequential(("conv", conv), ("bn", norm), *activation)


class LightConv(nn.Layer):
    """A pointwise convolution and a depthwise one."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels, 1, act=False)
        self.conv2 = _conv(out_channels, out_channels, kernel, groups=out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H, W]."""
        return self.conv2(self.conv1(x))


class Stem(nn.Layer):
    """Halves height and width, `last_stride` times more: pooled and convolved, side by side."""

    def __init__(
        self, in_channels: int, width: int, out_channels: int, last_stride: int = 1
    ) -> None:
        super().__init__()
        self.stem1 = _conv(in_channels, width, 3, 2)
        self.stem2a = _conv(width, width // 2, 2)
        self.stem2b = _conv(width // 2, width, 2)
        self.stem3 = _conv(width * 2, width, 3, last_stride)
        self.stem4 = _conv(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, C, H/2, W/2]."""
        x = self.stem1(x)
        pooled = functional.max_pool2d(x, 2, 1, "SAME", ceil_mode=True)
        convolved = self.stem2b(self.stem2a(x))
        return self.stem4(self.stem3(paddle.concat([pooled, convolved], axis=1)))


class HGV2Block(nn.Layer):
    """A chain of convolutions whose outputs are all joined and mixed."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        light: bool,
        kernel: int,
        residual: bool,
    ) -> None:
        super().__init__()
        self.residual = residual
        layer = LightConv if light else _conv
        self.layers = nn.LayerList(
            layer(in_channels if i == 0 else width, width, kernel) for i in range(LAYERS)
        )
        half = out_channels // 2
        self.aggregation_squeeze_conv = _conv(in_channels + LAYERS * width, half, 1)
        self.aggregation_excitation_conv = _conv(half, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H, W]."""
        outputs = [x]
        for layer in self.layers:
            outputs.append(layer(outputs[-1]))
        y = self.aggregation_squeeze_conv(paddle.concat(outputs, axis=1))
        y = self.aggregation_excitation_conv(y)
        return x + y if self.residual else y


class HGV2Stage(nn.Layer):
    """A depthwise convolution with a stride, and blocks."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        depth: int,
        light: bool,
        kernel: int,
        stride: Size,
    ) -> None:
        super().__init__()
        self.downsample = _conv(in_channels, in_channels, 3, stride, in_channels, act=False)
        blocks = []
        for i in range(depth):
            blocks.append(HGV2Block(in_channels, width, out_channels, light, kernel, i > 0))
            in_channels = out_channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        return self.blocks(self.downsample(x))


class PPHGNetV2B4(nn.Layer):
    """PP-HGNetV2 B4 for text lines: [N, 3, 48, W] → [N, 2048, 1, W/8].

    `last_conv` and `fc` classify ImageNet and are never used here; they are there because
    PaddleOCR's weights have them.

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: PaddleClas' PP-HGNetV2; PaddleOCR ppocr/modeling/backbones/rec_pphgnetv2.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            text_rec: true; PaddleOCR's default is a network for whole images.
            train_columns: columns in training, PaddleOCR's 40; null keeps W/8 (`pool_to_line`).
        """

        text_rec: Literal[True] = True
        train_columns: int | None = TRAIN_COLUMNS

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.train_columns = config.train_columns
        width, channels = STEM
        self.stem = Stem(in_channels, width, channels)
        self.stages = nn.LayerList()
        for row in STAGES:
            self.stages.append(HGV2Stage(channels, *row))
            channels = row[1]
        self.out_channels = channels
        kaiming, zero = (ParamAttr(initializer=i) for i in (KaimingNormal(), Constant(0.0)))
        self.last_conv = nn.Conv2D(channels, 2048, 1, weight_attr=kaiming, bias_attr=False)
        self.fc = nn.Linear(2048, IMAGENET_CLASSES, bias_attr=zero)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 48, W] → [N, out_channels, 1, W/8], or `train_columns` wide in training."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return pool_to_line(x, self.training, self.train_columns)
