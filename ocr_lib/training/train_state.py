"""How far a run is: what a checkpoint holds beside weights and optimiser state.

Source: PaddleOCR ppocr/utils/save_load.py for the keys of `.states` (epoch, global_step,
best_model_dict); there the step is written but not restored.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import parse
from ocr_lib.training.time_budget import EpochBudget


@dataclass
class TrainState:
    """How far a run is; everything but weights and optimiser state that a resume needs.

    Attributes:
        epoch: the epoch under way, from 1.
        step_in_epoch: its batches done.
        global_step: optimiser updates done.
        pace: of the epoch under way: begin and stride in the schedule, epochs left; None before it.
        elapsed_s: seconds spent on the epochs that are done.
        epoch_s: seconds of the last one.
        best: metrics of the best evaluation, with `best_epoch`.
        evals_since_best: evaluations since.
        steps_per_epoch: batches of the epoch under way; 0 where a foreign checkpoint has none.
        partial_epoch_s: seconds spent on the epoch under way.
    """

    epoch: int = 1
    step_in_epoch: int = 0
    global_step: int = 0
    pace: EpochBudget | None = None
    elapsed_s: float = 0.0
    epoch_s: float | None = None
    best: dict[str, float] = field(default_factory=dict)
    evals_since_best: int = 0
    steps_per_epoch: int = 0
    partial_epoch_s: float = 0.0

    @classmethod
    def from_states(cls, states: dict[str, Any]) -> "TrainState":
        """Reads `.states`; PaddleOCR's own has the last finished epoch and no place within.

        Raises:
            ValueError, TypeError: it holds something else.
        """
        if "position" in states:
            return parse(cls, states["position"], SourceLocation(("position",), {}))
        return cls(
            epoch=int(states.get("epoch", 0)) + 1,
            global_step=int(states.get("global_step", 0)),
            best=dict(states.get("best_model_dict", {})),
        )

    @property
    def steps_left(self) -> int:
        """Updates to go; with a time budget as many as are expected to fit."""
        assert self.pace is not None
        return self.pace.epochs_left * self.steps_per_epoch - self.step_in_epoch

    @property
    def last_epoch(self) -> int:
        """The epoch that the run is expected to end with."""
        assert self.pace is not None
        return self.epoch + self.pace.epochs_left - 1

    def rescale(self, steps_per_epoch: int) -> None:
        """Moves to the same place of an epoch of other length: more processes have fewer steps."""
        share = steps_per_epoch / (self.steps_per_epoch or steps_per_epoch)
        self.steps_per_epoch = steps_per_epoch
        if share == 1.0:
            return
        if self.step_in_epoch:
            self.step_in_epoch = max(1, round(self.step_in_epoch * share))
        if self.pace:
            self.pace = replace(self.pace, begin=self.pace.begin * share)

    def states(self) -> dict[str, Any]:
        """Returns the content of `.states`, PaddleOCR's keys first."""
        done = self.epoch - 1 if self.step_in_epoch == 0 else self.epoch
        return {
            "epoch": done,
            "global_step": self.global_step,
            "best_model_dict": self.best,
            "position": asdict(self),
        }
