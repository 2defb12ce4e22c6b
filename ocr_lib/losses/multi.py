"""The weighted sum of a multi-head's losses."""

from dataclasses import dataclass

from paddle import Tensor, nn

from ocr_lib.algorithms import ALGORITHMS, CTC
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig
from ocr_lib.models.parts import Table, construct
from ocr_lib.models.targets import Batch

IN_MULTI_HEAD = {a.loss_name: a for a in ALGORITHMS.values() if a.multi_head_entry}
LOSSES: Table = {name: algorithm.loss_layer() for name, algorithm in IN_MULTI_HEAD.items()}
LOSS = SourceLocation(("Loss",), {})


class MultiLoss(nn.Layer):
    """CTC times `weight_1` plus the guiding head's loss times `weight_2`.

    Args:
        config: its arguments.
        location: where the configuration describes it.

    Source: PaddleOCR ppocr/losses/rec_multi_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            loss_config_list: `{CTCLoss: …}` and `{SARLoss: …}` or `{NRTRLoss: …}`.
            weight_1: of the CTC loss.
            weight_2: of the other.
        """

        loss_config_list: tuple[ComponentConfig, ...]
        weight_1: float = 1.0
        weight_2: float = 1.0

    def __init__(self, config: Config, location: SourceLocation = LOSS) -> None:
        super().__init__()
        self.parts = nn.LayerDict()
        self.weights = {}
        for i, loss in enumerate(config.loss_config_list):
            self.parts[loss.name] = construct(LOSSES, loss, location.child("loss_config_list", i))
            ctc = loss.name == CTC.loss_name
            self.weights[loss.name] = config.weight_1 if ctc else config.weight_2

    def forward(self, outputs: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """A multi-head's outputs in training → `loss`, and each part by its name, weighted."""
        losses = {
            name: part(outputs[IN_MULTI_HEAD[name].name], batch)["loss"] * self.weights[name]
            for name, part in self.parts.items()
        }
        return {**losses, "loss": sum(losses.values())}
