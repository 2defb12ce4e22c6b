"""NRTR's modality-transform block: two convolutions make a sequence of columns."""

from dataclasses import dataclass
from typing import Literal

from paddle import Tensor, nn

from ocr_lib.models.layers import BatchNorm


class MTB(nn.Layer):
    """Two strided convolutions: [N, C, H, W] → [N, W/4, 64 · H/4].

    Args:
        config: its arguments.
        in_channels: channels of the image; 1 for NRTR.

    Source: Sheng et al., "NRTR" (2019); PaddleOCR ppocr/modeling/backbones/rec_nrtr_mtb.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            cnn_num: number of convolutions: 2.
        """

        cnn_num: Literal[2] = 2

    def __init__(self, config: Config, in_channels: int = 1) -> None:
        super().__init__()
        parts = []
        for i, width in enumerate((32, 64)[: config.cnn_num]):
            parts += [
                (f"conv_{i}", nn.Conv2D(in_channels, width, 3, 2, 1)),
                (f"relu_{i}", nn.ReLU()),
                (f"bn_{i}", BatchNorm(width)),
            ]
            in_channels = width
        self.block = nn.Sequential(*parts)
        self.out_channels = in_channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, W/4, 64 · H/4]."""
        return self.block(x).transpose([0, 3, 2, 1]).flatten(2)
