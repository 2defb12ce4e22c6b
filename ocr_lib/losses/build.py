"""From the `Loss` block of a configuration to a loss."""

from paddle import nn

from ocr_lib.algorithms import ALGORITHMS
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.losses.combined import CombinedLoss
from ocr_lib.losses.enhanced_ctc import EnhancedCTCLoss
from ocr_lib.losses.multi import LOSS, MultiLoss
from ocr_lib.losses.nrtr import CELoss
from ocr_lib.models.parts import Table, construct

LOSSES: Table = {
    **{algorithm.loss_name: algorithm.loss_layer() for algorithm in ALGORITHMS.values()},
    "CELoss": CELoss,
    "CombinedLoss": CombinedLoss,
    "EnhancedCTCLoss": EnhancedCTCLoss,
    "MultiLoss": MultiLoss,
}


def build_loss(loss: ComponentConfig, allowed_parts: AllowedParts = NO_PARTS) -> nn.Layer:
    """Builds a loss.

    Args:
        loss: the `Loss` block: the loss's name and its arguments.
        allowed_parts: custom parts that may be imported.

    Returns:
        A callable `(outputs, batch) -> dict`: `outputs` is what the network returned in training,
        `batch` has `label_ctc` int [N, L] (0 pads), `length` int [N] and, for a second head,
        `label_sar` or `label_gtc` [N, L']; the result has the scalar `loss` and its parts.

    Raises:
        ConfigError: the name or an argument is unknown, or the part is not allowed.
    """
    return construct(LOSSES, loss, LOSS, allowed_parts)
