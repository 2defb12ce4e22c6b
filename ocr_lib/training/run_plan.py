"""What a run will do, decided once and stored, so that a resumed run does the same.

A time budget is turned into a first estimate of epochs by timing a few batches before the run;
`pace.py` corrects it on the way.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ocr_lib.atomic import write_json
from ocr_lib.data.loading.batches import Batch

TIMED_BATCHES = 12
EVAL_COST = 0.4  # an evaluated pixel costs this share of a trained one (forward pass only)


@dataclass(frozen=True)
class RunPlan:
    """The plan of a run, stored as `run.json` in its folder.

    Attributes:
        epochs: passes over the training samples.
        config_digest: SHA-256 of what decides the result (networks, data, optimiser, …).
        samples: training samples used.
    """

    epochs: int
    config_digest: str
    samples: int

    def save(self, run_dir: Path) -> None:
        """Writes the plan."""
        write_json(run_dir / "run.json", asdict(self))

    @classmethod
    def load(cls, run_dir: Path) -> "RunPlan | None":
        """Reads the plan of a run folder; None where no run has begun."""
        path = run_dir / "run.json"
        return cls(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def epochs_within(
    minutes: float,
    batches: Iterable[Batch],
    step: Callable[[Batch], None],
    eval_pixels: float,
) -> int:
    """Returns how many whole epochs fit into `minutes`, at least one.

    Args:
        minutes: the budget for training and for the evaluations on the way.
        batches: one epoch.
        step: trains on one batch; the caller throws the trained weights away.
        eval_pixels: samples times width that evaluations read in each epoch, on average.
    """
    batches = sorted(batches, key=lambda batch: batch.width)
    pixels = sum(_pixels(batch) for batch in batches)
    timed = [batches[i] for i in np.linspace(0, len(batches) - 1, TIMED_BATCHES).astype(int)]
    for batch in timed:  # the first batch of a width is slow: memory is laid out for it
        step(batch)
    started = time.perf_counter()
    for batch in timed:
        step(batch)
    per_pixel = (time.perf_counter() - started) / sum(map(_pixels, timed))
    per_epoch = per_pixel * (pixels + EVAL_COST * eval_pixels)
    return max(1, int(minutes * 60 / per_epoch))


def _pixels(batch: Batch) -> int:
    return batch.width * len(batch.indices)
