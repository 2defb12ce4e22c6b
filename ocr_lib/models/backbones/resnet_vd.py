"""ResNet-vd for text lines, the backbone of CRNN, Rosetta, STAR-Net and RARE."""

from dataclasses import dataclass
from typing import Literal

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.layers import conv_norm

DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 12, 48, 3),
}
WIDTHS = (64, 128, 256, 512)
NAMES = ("_conv", "_batch_norm")


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Layer:
    """The residual branch where the shape changes: average pooling, then 1x1 ("vd")."""
    conv = conv_norm(in_channels, out_channels, 1, names=NAMES)
    if stride == 1:
        return conv
    pool = nn.AvgPool2D((stride, 1), (stride, 1), ceil_mode=True)
    return nn.Sequential(("pool", pool), *conv.named_children())


class ResNetVdBlock(nn.Layer):
    """Two 3x3 convolutions; `stride` is of the height."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.conv0 = conv_norm(in_channels, width, 3, (stride, 1), act=nn.ReLU, names=NAMES)
        self.conv1 = conv_norm(width, width, 3, names=NAMES)
        self.short = None if shortcut else _shortcut(in_channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, width, H/stride, W]."""
        short = x if self.short is None else self.short(x)
        return functional.relu(short + self.conv1(self.conv0(x)))


class ResNetVdBottleneck(nn.Layer):
    """1x1, 3x3 and 1x1 convolutions; `stride` is of the height."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        out = width * self.expansion
        self.conv0 = conv_norm(in_channels, width, 1, act=nn.ReLU, names=NAMES)
        self.conv1 = conv_norm(width, width, 3, (stride, 1), act=nn.ReLU, names=NAMES)
        self.conv2 = conv_norm(width, out, 1, names=NAMES)
        self.short = None if shortcut else _shortcut(in_channels, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, 4 · width, H/stride, W]."""
        short = x if self.short is None else self.short(x)
        return functional.relu(short + self.conv2(self.conv1(self.conv0(x))))


class ResNet(nn.Layer):
    """ResNet-vd whose strides keep the width: [N, 3, 32, W] → [N, C, 1, W/4].

    Args:
        config: its arguments.
        in_channels: channels of the image.

    Source: He et al., "Bag of Tricks for Image Classification" (2019); PaddleOCR
    ppocr/modeling/backbones/rec_resnet_vd.py. It announces 512 output channels for 50 layers and
    more, where the network has 2048; here the announcement is right.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            layers: 18, 34, 50, 101, 152 or 200.
        """

        layers: Literal[18, 34, 50, 101, 152, 200] = 34

    def __init__(self, config: Config, in_channels: int = 3) -> None:
        super().__init__()
        depths = DEPTHS[config.layers]
        self.conv1_1 = conv_norm(in_channels, 32, 3, act=nn.ReLU, names=NAMES)
        self.conv1_2 = conv_norm(32, 32, 3, act=nn.ReLU, names=NAMES)
        self.conv1_3 = conv_norm(32, 64, 3, act=nn.ReLU, names=NAMES)
        block_type = ResNetVdBottleneck if config.layers >= 50 else ResNetVdBlock
        channels = 64
        self.block_names = []
        for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True)):
            for i in range(depth):
                stride = 2 if i == 0 and stage > 0 else 1
                name = f"bb_{stage}_{i}"
                self.add_sublayer(name, block_type(channels, width, stride, shortcut=i > 0))
                self.block_names.append(name)
                channels = width * block_type.expansion
        self.out_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, out_channels, H/32, W/4]."""
        x = self.conv1_3(self.conv1_2(self.conv1_1(x)))
        x = functional.max_pool2d(x, 3, 2, padding=1)
        for name in self.block_names:
            x = getattr(self, name)(x)
        return functional.max_pool2d(x, 2, 2)
