"""A backbone that a user may bring along."""

import paddle
from paddle import nn


class OwnBackbone(nn.Layer):
    def __init__(self, in_channels: int, width: int = 8):
        super().__init__()
        self.out_channels = width
        self.conv = nn.Conv2D(in_channels, width, 32, stride=(32, 4), padding=(0, 14))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv(x)


OWN_NAME = f"{__name__}:OwnBackbone"
