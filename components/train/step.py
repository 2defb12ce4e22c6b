"""train between object stores: packed lines and a configuration → a run folder."""

from pathlib import Path

from ocr_lib.jobs.backends import find_backend
from ocr_lib.jobs.resources import WorkerResources
from ocr_lib.jobs.training_job import TrainJob, TrainRequest
from ocr_lib.storage.artifact_ref import ArtifactRef


def train(
    job: TrainJob,
    train_lmdb: ArtifactRef,
    validation_lmdb: ArtifactRef | None,
    folder: Path,
    place: WorkerResources | None = None,
) -> ArtifactRef:
    """Trains, and uploads the run folder; goes on where an earlier attempt of the run stopped.

    Args:
        job: what to train.
        train_lmdb: the samples to learn from.
        validation_lmdb: the samples that choose the checkpoint; None for the last checkpoint.
        folder: at the same path in every attempt, since the configuration names it.
        place: machines to train on, for a backend that needs some.
    """
    backend = find_backend(job.backend)
    return backend(
        TrainRequest(job, train_lmdb, validation_lmdb), place or WorkerResources(), folder
    )
