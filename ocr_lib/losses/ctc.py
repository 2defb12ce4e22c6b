"""CTC loss, optionally focal."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.errors import ConfigError
from ocr_lib.models.targets import Batch

# CTC logits [N, T, K], or features [N, T, C] and logits where the head has `return_feats`.
Outputs: TypeAlias = Any


def logits_of(outputs: Outputs) -> Tensor:
    """Returns the logits of a CTC head's output."""
    return outputs[1] if isinstance(outputs, tuple) else outputs


def features_of(outputs: Outputs) -> Tensor:
    """Returns the features of a CTC head's output.

    Raises:
        ConfigError: the head returns logits only.
    """
    if isinstance(outputs, tuple):
        return outputs[0]
    fix = "Set Architecture.Head.return_feats to true"
    raise ConfigError("Loss", "center loss needs the features that the head reads", fix)


class CTCLoss(nn.Layer):
    """Mean over the batch of the negative log-probability of each label.

    A label longer than the columns allow (one each, and one more between equal neighbours) cannot
    be learnt: it is to be dropped before training.

    Args:
        config: its arguments.

    Source: Graves et al. (2006); Feng et al., "Focal CTC Loss" (2019); PaddleOCR
    ppocr/losses/rec_ctc_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            use_focal_loss: weights each sample by (1 - exp(-loss))², so that easy ones count less.
        """

        use_focal_loss: bool = False

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.use_focal_loss = config.use_focal_loss

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Logits [N, T, K], `label_ctc` [N, L], `length` [N] → `loss`, a scalar."""
        logits = logits_of(outputs)
        samples, steps, _ = logits.shape
        losses = functional.ctc_loss(
            logits.transpose([1, 0, 2]),
            batch["label_ctc"].astype("int32"),
            paddle.full([samples], steps, dtype="int64"),
            batch["length"].astype("int64"),
            blank=0,
            reduction="none",
        )
        if self.use_focal_loss:
            losses = losses * paddle.square(1.0 - paddle.exp(-losses))
        return {"loss": losses.mean()}
