"""Cross-entropy of SAR's head."""

from dataclasses import dataclass

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.targets import Batch, guide_label


class SARLoss(nn.Layer):
    """Mean cross-entropy over all characters and ends; padding does not count.

    Args:
        config: its arguments.

    Source: PaddleOCR ppocr/losses/rec_sar_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            ignore_index: the padding's id; default: the number of predicted classes, which it is.
        """

        ignore_index: int | None = None

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.ignore_index = config.ignore_index

    def forward(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Logits [N, L, classes] and the label [N, L], start first → `loss`, a scalar."""
        classes = logits.shape[-1]
        ignore = classes if self.ignore_index is None else self.ignore_index
        label = guide_label(batch)[:, 1:]
        loss = functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), label.flatten(), ignore_index=ignore
        )
        return {"loss": loss}
