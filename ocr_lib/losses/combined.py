"""A weighted list of losses, as distillation uses it."""

from dataclasses import dataclass
from typing import Any

from paddle import Tensor, nn

from ocr_lib.config.component import check_name
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig, parse_value
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
from ocr_lib.models.parts import Table, build
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
        config: its arguments.
        location: where the configuration describes it.

    Source: PaddleOCR ppocr/losses/combined_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            loss_config_list: `{Name: {weight: …, argument: …}}` each; a name may occur twice.
        """

        loss_config_list: tuple[ComponentConfig, ...]

    def __init__(self, config: Config, location: SourceLocation = multi.LOSS) -> None:
        super().__init__()
        self.parts = nn.LayerList()
        self.weights = []
        for i, loss in enumerate(config.loss_config_list):
            place = location.child("loss_config_list", i)
            check_name(LOSSES, loss.name, place)
            place, args = place.child(loss.name), dict(loss.args)
            if "weight" not in args:
                raise place.error(f"{loss.name} needs weight", "Write weight there")
            self.weights.append(parse_value(float, args.pop("weight"), place.child("weight")))
            self.parts.append(build(LOSSES[loss.name], args, place))

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
