"""Losses of a student and its teachers against the label.

Each takes the outputs of a `DistillationModel` in training and names its results as PaddleOCR's
log does, e.g. `loss_ctc_Student_0`.

Source: PaddleOCR ppocr/losses/distillation_loss.py.
"""

from dataclasses import dataclass
from typing import Any

from paddle import Tensor, nn

from ocr_lib.algorithms import CTC, NRTR, SAR
from ocr_lib.losses.ctc import CTCLoss
from ocr_lib.losses.network_outputs import pick
from ocr_lib.losses.nrtr import CELoss
from ocr_lib.losses.sar import SARLoss
from ocr_lib.models.targets import Batch


class LabelLoss(nn.Layer):
    """A loss of each of some networks against the label.

    Args:
        config: its arguments.
        loss: the loss of one head.
        head: that head's name in a multi-head.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            model_name_list: the networks.
            key: the stage: `head_out`.
            multi_head: whether the networks' heads are multi-heads.
            name: prefix of the results' names.
        """

        model_name_list: tuple[str, ...]
        key: str | None = None
        multi_head: bool = False
        name: str = ""

    def __init__(self, config: Config, loss: nn.Layer, head: str) -> None:
        super().__init__()
        self.loss = loss
        self.head = head if config.multi_head else None
        self.models = list(config.model_name_list)
        self.key = config.key
        self.name = config.name

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

    @dataclass(frozen=True, kw_only=True)
    class Config(LabelLoss.Config):
        """Arguments that a configuration may give; see `LabelLoss`."""

        name: str = "loss_ctc"

    def __init__(self, config: Config) -> None:
        super().__init__(config, CTCLoss(CTCLoss.Config()), CTC.name)


class DistillationSARLoss(LabelLoss):
    """SAR's loss of each network."""

    @dataclass(frozen=True, kw_only=True)
    class Config(LabelLoss.Config):
        """Arguments that a configuration may give; see `LabelLoss`.

        Attributes:
            ignore_index: see `SARLoss`.
        """

        name: str = "loss_sar"
        ignore_index: int | None = None

    def __init__(self, config: Config) -> None:
        loss = SARLoss(SARLoss.Config(ignore_index=config.ignore_index))
        super().__init__(config, loss, SAR.name)


class DistillationNRTRLoss(LabelLoss):
    """NRTR's loss of each network; see `CELoss`."""

    @dataclass(frozen=True, kw_only=True)
    class Config(LabelLoss.Config):
        """Arguments that a configuration may give; see `LabelLoss`.

        Attributes:
            smoothing: see `CELoss`.
        """

        name: str = "loss_nrtr"
        smoothing: bool = True

    def __init__(self, config: Config) -> None:
        super().__init__(config, CELoss(CELoss.Config(smoothing=config.smoothing)), NRTR.name)
