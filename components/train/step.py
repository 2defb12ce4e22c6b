"""train between object stores: packed lines and a configuration → a run folder."""

from pathlib import Path

from components.shared.pointer import Pointer
from components.train.backends import find_backend
from components.train.job import TrainJob, Work
from components.train.place import Place


def train(
    job: TrainJob,
    train_lmdb: Pointer,
    eval_lmdb: Pointer,
    folder: Path,
    place: Place | None = None,
) -> Pointer:
    """Trains, and uploads the run folder; goes on where an earlier attempt of the run stopped.

    Args:
        job: what to train.
        train_lmdb: the lines to learn from.
        eval_lmdb: the lines that decide which checkpoint is best.
        folder: at the same path in every attempt, since the configuration names it.
        place: machines to train on, for a backend that needs some.
    """
    backend = find_backend(job.backend)
    return backend(Work(job, train_lmdb, eval_lmdb), place or Place(), folder)
