"""NRTR's modality-transform block: two convolutions make a sequence of columns."""

from paddle import Tensor, nn

from ocr_lib.models.layers import BatchNorm
from ocr_lib.models.parts import choose


class MTB(nn.Layer):
    """Two strided convolutions: [N, C, H, W] → [N, W/4, 64 · H/4].

    Args:
        in_channels: channels of the image; 1 for NRTR.
        cnn_num: number of convolutions: 2.

    Source: Sheng et al., "NRTR" (2019); PaddleOCR ppocr/modeling/backbones/rec_nrtr_mtb.py.
    """

    def __init__(self, in_channels: int = 1, cnn_num: int = 2):
        super().__init__()
        choose(cnn_num, (2,), "Architecture.Backbone.cnn_num")
        parts = []
        for i, width in enumerate((32, 64)):
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
