"""The CTC head: class scores of every column."""

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.layers import linear_attrs


class CTCHead(nn.Layer):
    """One linear layer, or two with `mid_channels`, from features to CTC classes.

    Args:
        in_channels: width of the features.
        num_classes: characters and blank (class 0).
        fc_decay: L2 weight decay of this head alone.
        mid_channels: width between two layers; one layer without it.

    Source: Graves et al., "Connectionist Temporal Classification" (2006); PaddleOCR
    ppocr/modeling/heads/rec_ctc_head.py.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        fc_decay: float = 0.0004,
        mid_channels: int | None = None,
    ):
        super().__init__()
        self.mid_channels = mid_channels
        if mid_channels is None:
            self.fc = nn.Linear(in_channels, num_classes, *linear_attrs(in_channels, fc_decay))
        else:
            self.fc1 = nn.Linear(in_channels, mid_channels, *linear_attrs(in_channels, fc_decay))
            self.fc2 = nn.Linear(mid_channels, num_classes, *linear_attrs(mid_channels, fc_decay))

    def forward(self, x: Tensor, targets: dict[str, Tensor] | None = None) -> Tensor:  # noqa: ARG002
        """[N, T, C] → logits [N, T, classes] in training, probabilities in evaluation."""
        logits = self.fc(x) if self.mid_channels is None else self.fc2(self.fc1(x))
        return logits if self.training else functional.softmax(logits, axis=-1)
