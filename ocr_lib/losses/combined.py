"""A weighted list of losses, as distillation uses it."""

from collections.abc import Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from ocr_lib.errors import ConfigError
from ocr_lib.losses import multi
from ocr_lib.losses.distillation_labels import (
    DistillationCTCLoss,
    DistillationNRTRLoss,
    DistillationSARLoss,
)
from ocr_lib.losses.distillation_pairs import (
    DistillationDistanceLoss,
    DistillationDKDLoss,
    DistillationDMLLoss,
    DistillationKLDivLoss,
    DistillCTCLogits,
)
from ocr_lib.losses.enhanced_ctc import ACELoss, CenterLoss
from ocr_lib.losses.entries import named_entries
from ocr_lib.models.parts import Table, call_checked
from ocr_lib.models.targets import Batch

LOSSES: Table = {
    **multi.LOSSES,
    "ACELoss": ACELoss,
    "CenterLoss": CenterLoss,
    "DistillCTCLogits": DistillCTCLogits,
    "DistillationCTCLoss": DistillationCTCLoss,
    "DistillationDKDLoss": DistillationDKDLoss,
    "DistillationDMLLoss": DistillationDMLLoss,
    "DistillationDistanceLoss": DistillationDistanceLoss,
    "DistillationKLDivLoss": DistillationKLDivLoss,
    "DistillationNRTRLoss": DistillationNRTRLoss,
    "DistillationSARLoss": DistillationSARLoss,
}


class CombinedLoss(nn.Layer):
    """The sum of losses, each times its weight.

    Args:
        loss_config_list: `{Name: {weight: …, argument: …}}` each; a name may occur twice.

    Source: PaddleOCR ppocr/losses/combined_loss.py.
    """

    def __init__(self, loss_config_list: Sequence[Mapping[str, Any]]):
        super().__init__()
        self.parts = nn.LayerList()
        self.weights = []
        for name, arguments, where in named_entries(loss_config_list, LOSSES):
            if "weight" not in arguments:
                raise ConfigError(f"{where}.weight", "it is missing", "Give the loss a weight")
            self.weights.append(float(arguments.pop("weight")))
            self.parts.append(call_checked(LOSSES[name], arguments, where))

    def forward(self, outputs: Any, batch: Batch) -> dict[str, Tensor]:
        """The networks' outputs → `loss` and each part by its name, weighted.

        A part called `loss` goes into the sum and is not listed.
        """
        named: dict[str, Tensor] = {}
        total: list[Tensor] = []
        for part, weight in zip(self.parts, self.weights, strict=True):
            losses = {name: value * weight for name, value in part(outputs, batch).items()}
            total += losses.values()
            named.update(losses)
        return {**named, "loss": sum(total)}
