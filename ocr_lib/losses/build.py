"""From the `Loss` block of a configuration to a loss."""

from collections.abc import Mapping
from typing import Any, Protocol

from paddle import nn

from ocr_lib.losses.attention import AttentionLoss
from ocr_lib.losses.combined import CombinedLoss
from ocr_lib.losses.ctc import CTCLoss
from ocr_lib.losses.enhanced_ctc import EnhancedCTCLoss
from ocr_lib.losses.multi import MultiLoss
from ocr_lib.losses.nrtr import CELoss, NRTRLoss
from ocr_lib.losses.sar import SARLoss
from ocr_lib.models.parts import Table, construct

LOSSES: Table = {
    "AttentionLoss": AttentionLoss,
    "CELoss": CELoss,
    "CTCLoss": CTCLoss,
    "CombinedLoss": CombinedLoss,
    "EnhancedCTCLoss": EnhancedCTCLoss,
    "MultiLoss": MultiLoss,
    "NRTRLoss": NRTRLoss,
    "SARLoss": SARLoss,
}


class NamedPart(Protocol):
    """A `{name: X, **args}` block of a configuration."""

    @property
    def name(self) -> str:
        """The loss's name."""

    @property
    def args(self) -> Mapping[str, Any]:
        """The loss's arguments."""


def build_loss(loss: NamedPart) -> nn.Layer:
    """Builds a loss.

    Args:
        loss: the `Loss` block: the loss's name and its arguments.

    Returns:
        A callable `(outputs, batch) -> dict`: `outputs` is what the network returned in training,
        `batch` has `label_ctc` int [N, L] (0 pads), `length` int [N] and, for a second head,
        `label_sar` or `label_gtc` [N, L']; the result has the scalar `loss` and its parts.

    Raises:
        ConfigError: the name or an argument is unknown.
    """
    return construct(LOSSES, {**loss.args, "name": loss.name}, "Loss")
