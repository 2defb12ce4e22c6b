"""How fast a run moves through its learning-rate schedule, and when it is over.

With a number of epochs every update is one step of the schedule. With a time budget the machine's
speed decides: before each epoch the rest of the schedule is spread over the epochs that still fit,
so the run ends on time and with the schedule's end, also where the machine slows down or speeds up
on the way. The decision is part of the position, so a resumed epoch goes on as it began.
The first estimate is made before the run, by timing a few batches.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ocr_lib.data.loading.batches import Batch, EpochPlan
from ocr_lib.optim.schedules import RunLength

TIMED_BATCHES = 12
EVAL_COST = 0.4  # an evaluated pixel costs this share of a trained one (forward pass only)


@dataclass(frozen=True)
class EpochBudget:
    """How one epoch moves through the schedule.

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
    """Decides the budget of the coming epoch; None where the run is over.

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


def epochs_within(
    minutes: float,
    batches: EpochPlan,
    train_on: Callable[[Batch], None],
    eval_pixels: float,
) -> int:
    """Returns how many whole epochs fit into `minutes`, at least one.

    Args:
        minutes: the budget for training and for the evaluations on the way.
        batches: one epoch.
        train_on: trains on one batch; the caller throws the trained weights away.
        eval_pixels: samples times width that evaluations read in each epoch, on average.
    """
    batches = batches.by_width()
    timed = [batches[i] for i in np.linspace(0, len(batches) - 1, TIMED_BATCHES).astype(int)]
    for batch in timed:  # the first batch of a width is slow: memory is laid out for it
        train_on(batch)
    started = time.perf_counter()
    for batch in timed:
        train_on(batch)
    per_pixel = (time.perf_counter() - started) / sum(map(_pixels, timed))
    per_epoch = per_pixel * (batches.pixels + EVAL_COST * eval_pixels)
    return max(1, int(minutes * 60 / per_epoch))


def _pixels(batch: Batch) -> int:
    return batch.width * len(batch.indices)
