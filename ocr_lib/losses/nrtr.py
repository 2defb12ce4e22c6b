"""Cross-entropy of NRTR's head, smoothed or not."""

from dataclasses import dataclass
from typing import Literal

import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.models.targets import Batch, guide_label

EPSILON = 0.1


def token_mask(label: Tensor) -> Tensor:
    """1 where a label has a character or an end, 0 where it is padding: float32 [N, L]."""
    return (label != 0).astype("float32")


def step_mask(label: Tensor) -> Tensor:
    """1 at every step up to the end of the batch's longest label: float32 [N, L]."""
    return token_mask(label).max(axis=0, keepdim=True).expand_as(label)


def smoothed_cross_entropy(logits: Tensor, label: Tensor, epsilon: float) -> Tensor:
    """Cross-entropy of logits [M, K] and label [M] whose true class counts 1 - epsilon: [M]."""
    log_probs = functional.log_softmax(logits, axis=-1)
    share = epsilon / (logits.shape[-1] - 1)
    true = paddle.take_along_axis(log_probs, label.unsqueeze(1), axis=1).squeeze(1)
    return -(1.0 - epsilon - share) * true - share * log_probs.sum(axis=1)


class NRTRLoss(nn.Layer):
    """Mean cross-entropy over all characters and ends; padding (0) does not count.

    Args:
        config: its arguments.

    Source: Szegedy et al., "Rethinking the Inception Architecture" (2016); PaddleOCR
    ppocr/losses/rec_nrtr_loss.py, without its one-hot matrix.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            smoothing: the true class counts 0.9, the others share 0.1.
        """

        smoothing: bool = True

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.epsilon = EPSILON if config.smoothing else 0.0

    def forward(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Logits [N, L - 1, K] and the label [N, L], start first → `loss`, a scalar."""
        label = guide_label(batch)[:, 1:]
        losses = smoothed_cross_entropy(logits.flatten(0, 1), label.flatten(), self.epsilon)
        mask = self.counted(label).flatten()
        return {"loss": (losses * mask).sum() / mask.sum()}

    def counted(self, label: Tensor) -> Tensor:
        """Which steps count: float32 [N, L - 1]."""
        return token_mask(label)


class CELoss(NRTRLoss):
    """`NRTRLoss` under the name and with the defaults of PaddleOCR's general cross-entropy.

    Args:
        config: its arguments.

    Source: PaddleOCR ppocr/losses/rec_ce_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            smoothing: see `NRTRLoss`; without it padding counts, too, up to the longest label.
            with_all: must be false; other networks than NRTR use it.
            ignore_index: 0 leaves padding out.
        """

        smoothing: bool = False
        with_all: Literal[False] = False
        ignore_index: int = -1

    def __init__(self, config: Config) -> None:
        super().__init__(NRTRLoss.Config(smoothing=config.smoothing))
        self.only_tokens = config.smoothing or config.ignore_index == 0

    def counted(self, label: Tensor) -> Tensor:
        """Which steps count: float32 [N, L - 1]."""
        return token_mask(label) if self.only_tokens else step_mask(label)
