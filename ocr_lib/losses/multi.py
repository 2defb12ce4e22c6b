"""The weighted sum of a multi-head's losses."""

from collections.abc import Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from ocr_lib.algorithms import ALGORITHMS, CTC
from ocr_lib.losses.entries import named_entries
from ocr_lib.models.parts import Table, call_checked
from ocr_lib.models.targets import Batch

IN_MULTI_HEAD = {a.loss_name: a for a in ALGORITHMS.values() if a.multi_head_entry}
LOSSES: Table = {name: algorithm.loss_layer() for name, algorithm in IN_MULTI_HEAD.items()}


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
            self.weights[name] = weight_1 if name == CTC.loss_name else weight_2

    def forward(self, outputs: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """A multi-head's outputs in training → `loss`, and each part by its name, weighted."""
        losses = {
            name: part(outputs[IN_MULTI_HEAD[name].name], batch)["loss"] * self.weights[name]
            for name, part in self.parts.items()
        }
        return {**losses, "loss": sum(losses.values())}
