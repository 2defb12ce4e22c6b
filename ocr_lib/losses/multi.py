"""The weighted sum of a multi-head's losses."""

from collections.abc import Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from ocr_lib.losses.ctc import CTCLoss
from ocr_lib.losses.entries import named_entries
from ocr_lib.losses.nrtr import NRTRLoss
from ocr_lib.losses.sar import SARLoss
from ocr_lib.models.parts import Table, call_checked
from ocr_lib.models.targets import Batch

LOSSES: Table = {"CTCLoss": CTCLoss, "SARLoss": SARLoss, "NRTRLoss": NRTRLoss}
OUTPUTS = {"CTCLoss": "ctc", "SARLoss": "sar", "NRTRLoss": "nrtr"}


class MultiLoss(nn.Layer):
    """CTC times `weight_1` plus the guiding head's loss times `weight_2`.

    Args:
        loss_config_list: `{CTCLoss: …}` and `{SARLoss: …}` or `{NRTRLoss: …}`.
        weight_1: of the CTC loss.
        weight_2: of the other.

    Source: PaddleOCR ppocr/losses/rec_multi_loss.py.
    """

    def __init__(
        self,
        loss_config_list: Sequence[Mapping[str, Any]],
        weight_1: float = 1.0,
        weight_2: float = 1.0,
    ):
        super().__init__()
        self.parts = nn.LayerDict()
        self.weights = {}
        for name, arguments, where in named_entries(loss_config_list, LOSSES):
            self.parts[name] = call_checked(LOSSES[name], arguments, where)
            self.weights[name] = weight_1 if name == "CTCLoss" else weight_2

    def forward(self, outputs: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """A multi-head's outputs in training → `loss`, and each part by its name, weighted."""
        losses = {
            name: part(outputs[OUTPUTS[name]], batch)["loss"] * self.weights[name]
            for name, part in self.parts.items()
        }
        return {**losses, "loss": sum(losses.values())}
