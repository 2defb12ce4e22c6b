"""CTC loss, optionally focal."""

import paddle
from paddle import Tensor, nn
from paddle.nn import functional


class CTCLoss(nn.Layer):
    """Mean over the batch of the negative log-probability of each label.

    A label that needs more steps than the network has contributes a loss of 0 or infinity,
    depending on the kernel: such samples are to be dropped before training.

    Args:
        use_focal_loss: weights each sample by (1 - exp(-loss))², so that easy ones count less.

    Source: Graves et al. (2006); Feng et al., "Focal CTC Loss" (2019); PaddleOCR
    ppocr/losses/rec_ctc_loss.py.
    """

    def __init__(self, use_focal_loss: bool = False):
        super().__init__()
        self.use_focal_loss = use_focal_loss

    def forward(self, logits: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Logits [N, T, classes], `label_ctc` [N, L], `length` [N] → `loss`, a scalar."""
        losses = self.per_sample(logits, batch["label_ctc"], batch["length"])
        if self.use_focal_loss:
            losses = losses * paddle.square(1.0 - paddle.exp(-losses))
        return {"loss": losses.mean()}

    def per_sample(self, logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """The loss of each sample: [N]."""
        samples, steps, _ = logits.shape
        return functional.ctc_loss(
            logits.transpose([1, 0, 2]),
            labels.astype("int32"),
            paddle.full([samples], steps, dtype="int64"),
            lengths.astype("int64"),
            blank=0,
            reduction="none",
        ).reshape([-1])
