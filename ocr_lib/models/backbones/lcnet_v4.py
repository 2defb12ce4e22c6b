"""PP-LCNetV4, the backbone of PP-OCRv6's recognisers."""

from dataclasses import dataclass
from typing import Literal

import paddle
from paddle import Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import Constant

from ocr_lib.models.backbones.hgnet_v2 import Stem
from ocr_lib.models.backbones.line_pool import TRAIN_COLUMNS, pool_to_line
from ocr_lib.models.layers import BatchNorm, Size, SqueezeExcite, conv_norm

EXPANSION = 2
STAGES = ("blocks2", "blocks3", "blocks4", "blocks5")


@dataclass(frozen=True)
class SizeTable:
    """One size of the network.

    Attributes:
        stem: width between the stem's layers and of its output.
        branched: whether the stem is PP-HGNetV2's, with a pooled branch.
        stages: of each stage its width, stride, number of blocks, and which blocks have a
            squeeze-excite layer.
    """

    stem: tuple[int, int]
    branched: bool
    stages: tuple[tuple[int, Size, int, tuple[int, ...]], ...]


SIZES = {
    "tiny": SizeTable(
        (24, 48),
        False,
        ((48, 1, 1, (0,)), (48, 1, 1, ()), (96, (2, 1), 3, (1,)), (160, (2, 1), 4, (1,))),
    ),
    "small": SizeTable(
        (48, 96),
        True,
        ((96, 1, 1, (0,)), (96, 1, 2, ()), (192, (2, 1), 7, (1, 3, 5)), (384, (2, 1), 3, (1,))),
    ),
    "medium": SizeTable(
        (64, 128),
        True,
        ((128, 1, 1, (0,)), (256, 1, 3, (2,)), (512, (2, 1), 7, (1, 3, 5)), (768, (2, 1), 3, (1,))),
    ),
}


class RepDepthwise(nn.Layer):
    """A 3 x 3 and a 1 x 1 depthwise convolution and the identity, added up and normed.

    All are linear, so that `rep` can make one convolution of them that computes the same in
    evaluation.

    Args:
        channels: in and out.
        fused: starts with the one convolution, to train or run without branches.

    Source: PaddleOCR ppocr/modeling/backbones/rec_lcnetv4.py.
    """

    def __init__(self, channels: int, fused: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.reparam_conv = self._one_convolution() if fused else None
        if not fused:
            self.conv = conv_norm(channels, channels, 3, groups=channels)
            self.conv1 = nn.Conv2D(channels, channels, 1, groups=channels, bias_attr=False)
            self.bn = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → the same shape."""
        if self.reparam_conv is not None:
            return self.reparam_conv(x)
        return self.bn(self.conv(x) + self.conv1(x) + x)

    def rep(self) -> None:
        """Replaces the branches by one convolution that computes what they do in evaluation."""
        if self.reparam_conv is not None:
            return
        fused = self._one_convolution()
        with paddle.no_grad():
            inner, outer = _scale(self.conv.bn), _scale(self.bn)
            kernel = self.conv.conv.weight * inner.reshape([-1, 1, 1, 1])
            kernel = kernel + functional.pad(self.conv1.weight + 1, [1, 1, 1, 1])
            bias = self.conv.bn.bias - self.conv.bn._mean * inner
            fused.weight.set_value(kernel * outer.reshape([-1, 1, 1, 1]))
            fused.bias.set_value(self.bn.bias + (bias - self.bn._mean) * outer)
        del self.conv, self.conv1, self.bn
        self.reparam_conv = fused

    def _one_convolution(self) -> nn.Conv2D:
        return nn.Conv2D(self.channels, self.channels, 3, padding=1, groups=self.channels)


def _scale(norm: nn.Layer) -> Tensor:
    """What a batch norm multiplies each channel by in evaluation."""
    return norm.weight / paddle.sqrt(norm._variance + norm._epsilon)


class LCNetV4Block(nn.Layer):
    """A depthwise convolution that mixes columns and rows, then an MLP that mixes channels.

    Where neither the size nor the width changes, the depthwise convolution has branches and the
    MLP a residual path that training begins with alone: the MLP's last norm starts at 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: Size,
        squeeze: bool,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.residual = stride == 1 and in_channels == out_channels
        if self.residual:
            mixer = ("rep_dw", RepDepthwise(in_channels, fused))
        else:
            depthwise = conv_norm(in_channels, in_channels, 3, stride, groups=in_channels)
            mixer = ("dw_conv", depthwise)
        gate = [("se", SqueezeExcite(in_channels))] if squeeze else []
        self.token_mixer = nn.Sequential(mixer, *gate)
        hidden = in_channels * EXPANSION
        self.channel_mixer = nn.Sequential(
            ("expand", conv_norm(in_channels, hidden, 1)),
            ("act", nn.GELU()),
            ("compress", conv_norm(hidden, out_channels, 1)),
        )
        if self.residual:
            Constant(0.0)(self.channel_mixer.compress.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C', H', W']."""
        x = self.token_mixer(x)
        mixed = self.channel_mixer(x)
        return x + mixed if self.residual else mixed


class PPLCNetV4(nn.Layer):
    """PP-LCNetV4 for text lines: [N, 3, 48, W] → [N, C, 1, W/8].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: PaddleOCR ppocr/modeling/backbones/rec_lcnetv4.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            model_size: tiny, small or medium: 160, 384 or 768 channels out.
            train_columns: columns in training, PaddleOCR's 40; null keeps W/8 (`pool_to_line`).
            fused: one convolution in place of the branches from the start: faster to train, and
                what an imported inference model consists of.
        """

        model_size: Literal["tiny", "small", "medium"] = "small"
        train_columns: int | None = TRAIN_COLUMNS
        fused: bool = False

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        self.train_columns = config.train_columns
        table = SIZES[config.model_size]
        between, width = table.stem
        if table.branched:
            self.conv1 = Stem(in_channels, between, width, last_stride=2)
        else:
            halves = conv_norm(in_channels, between, 3, 2), conv_norm(between, width, 3, 2)
            self.conv1 = nn.Sequential(halves[0], nn.GELU(), halves[1])
        for name, (out, stride, count, squeezed) in zip(STAGES, table.stages, strict=True):
            blocks = []
            for i in range(count):
                first = stride if i == 0 else 1
                blocks.append(LCNetV4Block(width, out, first, i in squeezed, config.fused))
                width = out
            self.add_sublayer(name, nn.Sequential(*blocks))
        self.out_channels = width

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 48, W] → [N, out_channels, 1, W/8], or `train_columns` wide in training."""
        x = self.conv1(x)
        for name in STAGES:
            x = getattr(self, name)(x)
        return pool_to_line(x, self.training, self.train_columns)
