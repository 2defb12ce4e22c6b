"""Stopping at a loss that is not a number, with what is needed to see why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.errors import OcrError


class TrainingError(OcrError):
    """Training cannot go on: the loss is not finite."""


def check_finite(
    losses: Mapping[str, paddle.Tensor],
    local_loss: paddle.Tensor,
    loaded: LoadedBatch,
    *,
    step: int,
    run_dir: Path,
    rank: int,
) -> None:
    """Stops at a loss that is not finite, every rank at the same step.

    Args:
        losses: of all ranks, averaged.
        local_loss: this rank's.
        loaded: this rank's batch; saved in the run directory where its loss is the cause.
        step: number of the update, from 1.
        run_dir: the run directory.
        rank: this process.

    Raises:
        TrainingError: the loss of a rank is not finite.
    """
    if np.isfinite(float(losses["loss"])):
        return
    parts = ", ".join(f"{name} {float(value)}" for name, value in losses.items())
    if np.isfinite(float(local_loss)):
        where = "it is another process's, which has kept its batch"
    else:
        name = f"nonfinite_batch{f'.rank{rank}' if rank else ''}.npz"
        run_dir.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {**loaded.arrays, "labels": np.array(loaded.labels)}
        np.savez_compressed(run_dir / name, **arrays)
        where = f"the batch is in {run_dir / name}"
    raise TrainingError(
        f"the loss is not finite at step {step} ({parts}); {where}. Lower "
        f"Optimizer.lr.learning_rate or set Optimizer.clip_norm_global; the last checkpoint is "
        f"unharmed."
    )
