"""Cross-entropy of SAR's head."""

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.targets import Batch, guide_label


class SARLoss(nn.Layer):
    """Mean cross-entropy over all characters and ends; padding does not count.

    Args:
        ignore_index: the padding's id; default: the number of predicted classes, which it is.

    Source: PaddleOCR ppocr/losses/rec_sar_loss.py.
    """

    def __init__(self, ignore_index: int | None = None):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Logits [N, L, classes] and the label [N, L], start first → `loss`, a scalar."""
        classes = logits.shape[-1]
        ignore = classes if self.ignore_index is None else self.ignore_index
        label = guide_label(batch)[:, 1:]
        loss = functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), label.flatten(), ignore_index=ignore
        )
        return {"loss": loss}
