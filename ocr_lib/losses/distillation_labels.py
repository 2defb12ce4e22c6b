"""Losses of a student and its teachers against the label.

Each takes the outputs of a `DistillationModel` in training and names its results as PaddleOCR's
log does, e.g. `loss_ctc_Student_0`.

Source: PaddleOCR ppocr/losses/distillation_loss.py.
"""

from collections.abc import Sequence
from typing import Any

from paddle import Tensor, nn

from ocr_lib.losses.ctc import CTCLoss
from ocr_lib.losses.network_outputs import pick
from ocr_lib.losses.nrtr import CELoss
from ocr_lib.losses.sar import SARLoss
from ocr_lib.models.targets import Batch


class LabelLoss(nn.Layer):
    """A loss of each of some networks against the label.

    Args:
        loss: the loss of one head.
        head: that head's name in a multi-head.
        model_name_list: the networks.
        key: the stage: `head_out`.
        multi_head: whether the networks' heads are multi-heads.
        name: prefix of the results' names.
    """

    def __init__(
        self,
        loss: nn.Layer,
        head: str,
        model_name_list: Sequence[str],
        key: str | None,
        multi_head: bool,
        name: str,
    ):
        super().__init__()
        self.loss = loss
        self.head = head if multi_head else None
        self.models = list(model_name_list)
        self.key = key
        self.name = name

    def forward(self, outputs: dict[str, Any], batch: Batch) -> dict[str, Tensor]:
        """Outputs by network → one loss a network."""
        return {
            f"{self.name}_{model}_{i}": self.loss(pick(outputs, model, self.key, self.head), batch)[
                "loss"
            ]
            for i, model in enumerate(self.models)
        }


class DistillationCTCLoss(LabelLoss):
    """CTC loss of each network."""

    def __init__(
        self,
        model_name_list: Sequence[str],
        key: str | None = None,
        multi_head: bool = False,
        name: str = "loss_ctc",
    ):
        super().__init__(CTCLoss(), "ctc", model_name_list, key, multi_head, name)


class DistillationSARLoss(LabelLoss):
    """SAR's loss of each network."""

    def __init__(
        self,
        model_name_list: Sequence[str],
        key: str | None = None,
        multi_head: bool = False,
        name: str = "loss_sar",
        ignore_index: int | None = None,
    ):
        super().__init__(SARLoss(ignore_index), "sar", model_name_list, key, multi_head, name)


class DistillationNRTRLoss(LabelLoss):
    """NRTR's loss of each network; see `CELoss`."""

    def __init__(
        self,
        model_name_list: Sequence[str],
        key: str | None = None,
        multi_head: bool = False,
        name: str = "loss_nrtr",
        smoothing: bool = True,
    ):
        super().__init__(CELoss(smoothing), "nrtr", model_name_list, key, multi_head, name)
