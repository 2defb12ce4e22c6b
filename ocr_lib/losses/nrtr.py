"""Smoothed cross-entropy of NRTR's head."""

import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.targets import Batch, guide_label

EPSILON = 0.1


def token_mask(label: Tensor) -> Tensor:
    """1 where a label has a character or an end, 0 where it is padding: float32, same shape."""
    return (label != 0).astype("float32")


class NRTRLoss(nn.Layer):
    """Mean cross-entropy over all characters and ends, with label smoothing.

    The true class counts 0.9, the others share 0.1; padding (0) does not count.

    Args:
        smoothing: whether labels are smoothed.

    Source: Szegedy et al. (2016); PaddleOCR ppocr/losses/rec_nrtr_loss.py, without its one-hot
    matrix.
    """

    def __init__(self, smoothing: bool = True):
        super().__init__()
        self.epsilon = EPSILON if smoothing else 0.0

    def forward(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Logits [N, L - 1, classes] and the label [N, L], start first → `loss`, a scalar."""
        label = guide_label(batch)[:, 1:].flatten()
        log_probs = functional.log_softmax(logits.flatten(0, 1), axis=-1)
        share = self.epsilon / (logits.shape[-1] - 1)
        true = paddle.take_along_axis(log_probs, label.unsqueeze(1), axis=1).squeeze(1)
        losses = -(1.0 - self.epsilon - share) * true - share * log_probs.sum(axis=1)
        mask = token_mask(label)
        return {"loss": (losses * mask).sum() / mask.sum()}
