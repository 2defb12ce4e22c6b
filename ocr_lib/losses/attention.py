"""Cross-entropy of RARE's attention head."""

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.targets import Batch, guide_label


class AttentionLoss(nn.Layer):
    """Sum over all samples and steps of the cross-entropy; padding counts as the start class.

    Source: PaddleOCR ppocr/losses/rec_att_loss.py.
    """

    def forward(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Logits [N, T, classes] and `label_gtc` [N, T] → `loss`, a scalar."""
        label = guide_label(batch)
        loss = functional.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="sum")
        return {"loss": loss}
