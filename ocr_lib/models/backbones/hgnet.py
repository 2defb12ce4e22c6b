"""PP-HGNet small, the backbone of PP-OCRv4's server recogniser."""

from dataclasses import dataclass

import paddle
from paddle import ParamAttr, Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import KaimingNormal

from ocr_lib.models.backbones.line_pool import TRAIN_COLUMNS, pool_to_line
from ocr_lib.models.layers import Size, conv_norm, no_decay

STEM = (64, 64, 128)
LAYERS = 6
# A stage: width of its layers, of its output, number of blocks, stride before them.
STAGES = (
    (128, 256, 1, (2, 1)),
    (160, 512, 1, (1, 2)),
    (192, 768, 2, (2, 1)),
    (224, 1024, 1, (2, 1)),
)


def _conv(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: Size = 1,
    groups: int = 1,
    act: type[nn.Layer] | None = nn.ReLU,
) -> nn.Sequential:
    return conv_norm(
        in_channels,
        out_channels,
        kernel,
        stride,
        groups=groups,
        act=act,
        weight_attr=ParamAttr(initializer=KaimingNormal()),
        norm_attr=no_decay(),
    )


class ESEModule(nn.Layer):
    """Scales each channel by a gate computed from all channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        attr = ParamAttr(initializer=KaimingNormal())
        self.conv = nn.Conv2D(channels, channels, 1, weight_attr=attr)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → the same shape."""
        return x * functional.sigmoid(self.conv(functional.adaptive_avg_pool2d(x, 1)))


class HGBlock(nn.Layer):
    """A chain of 3 x 3 convolutions whose outputs are all joined, mixed and gated."""

    def __init__(self, in_channels: int, width: int, out_channels: int, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.layers = nn.LayerList(
            _conv(in_channels if i == 0 else width, width, 3) for i in range(LAYERS)
        )
        self.aggregation_conv = _conv(in_channels + LAYERS * width, out_channels, 1)
        self.att = ESEModule(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H, W]."""
        outputs = [x]
        for layer in self.layers:
            outputs.append(layer(outputs[-1]))
        y = self.att(self.aggregation_conv(paddle.concat(outputs, axis=1)))
        return x + y if self.residual else y


class HGStage(nn.Layer):
    """A depthwise convolution with a stride, and blocks."""

    def __init__(
        self, in_channels: int, width: int, out_channels: int, depth: int, stride: Size
    ) -> None:
        super().__init__()
        self.downsample = _conv(in_channels, in_channels, 3, stride, in_channels, act=None)
        self.blocks = nn.Sequential(
            *(
                HGBlock(in_channels if i == 0 else out_channels, width, out_channels, i > 0)
                for i in range(depth)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        return self.blocks(self.downsample(x))


class PPHGNetSmall(nn.Layer):
    """PP-HGNet small for text lines: [N, 3, 48, W] → [N, 1024, 1, W/8].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: PaddleClas' PP-HGNet; PaddleOCR ppocr/modeling/backbones/rec_hgnet.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            train_columns: columns in training, PaddleOCR's 40; null keeps W/8 (`pool_to_line`).
        """

        train_columns: int | None = TRAIN_COLUMNS

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.train_columns = config.train_columns
        stem = []
        for i, width in enumerate(STEM):
            stem.append(_conv(in_channels, width, 3, 2 if i == 0 else 1))
            in_channels = width
        self.stem = nn.Sequential(*stem)
        self.stages = nn.LayerList()
        for width, out, depth, stride in STAGES:
            self.stages.append(HGStage(in_channels, width, out, depth, stride))
            in_channels = out
        self.out_channels = in_channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 48, W] → [N, out_channels, 1, W/8], or `train_columns` wide in training."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return pool_to_line(x, self.training, self.train_columns)
