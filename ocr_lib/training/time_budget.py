"""How fast a run moves through its learning-rate schedule, and when it is over.

With a number of epochs every update is one step of the schedule. With a time budget the machine's
speed decides: before each epoch the rest of the schedule is spread over the epochs that still fit,
so the run ends on time and with the schedule's end, also where the machine slows down or speeds up
on the way. The decision is part of the position, so a resumed epoch goes on as it began.
"""

from dataclasses import dataclass

from ocr_lib.optim.schedules import RunLength


@dataclass(frozen=True)
class EpochBudget:
    """The pace of one epoch.

    Attributes:
        begin: step of the schedule at the epoch's first update.
        stride: steps of the schedule that each update moves on.
        epochs_left: epochs to go, this one included.
    """

    begin: float
    stride: float
    epochs_left: int

    def schedule_step(self, step_in_epoch: int) -> float:
        """Returns where in the schedule the epoch's update number `step_in_epoch` (from 0) is."""
        return self.begin + self.stride * step_in_epoch


def budget_of_epoch(
    length: RunLength,
    epoch: int,
    begin: float,
    seconds_left: float | None = None,
    epoch_s: float | None = None,
) -> EpochBudget | None:
    """Decides the pace of the coming epoch; None where the run is over.

    Args:
        length: the schedule's length.
        epoch: the coming epoch, from 1.
        begin: where in the schedule the last epoch ended.
        seconds_left: of the time budget; None where the number of epochs is fixed.
        epoch_s: seconds that the last epoch took, its evaluation included; None before the first.
    """
    if seconds_left is None:
        left = length.epochs - epoch + 1
        return EpochBudget((epoch - 1) * length.steps_per_epoch, 1.0, left) if left > 0 else None
    rest = length.steps - begin
    if rest < 1e-6 * length.steps:
        return None
    left = length.epochs if epoch_s is None else max(1, round(seconds_left / epoch_s))
    return EpochBudget(begin, rest / (left * length.steps_per_epoch), left)
