"""train between object stores: packed lines and a configuration → a run directory."""

from components.step_context import StepContext
from ocr_lib.jobs.backends import find_backend
from ocr_lib.jobs.resources import WorkerResources
from ocr_lib.jobs.training_job import TrainJob, TrainRequest
from ocr_lib.storage.artifact_ref import ArtifactRef


def train(
    context: StepContext,
    job: TrainJob,
    train_lmdb: ArtifactRef,
    validation_lmdb: ArtifactRef | None,
    place: WorkerResources | None = None,
) -> ArtifactRef:
    """Trains, and uploads the run directory; goes on where an earlier attempt of the run stopped.

    Args:
        context: its working directory is at the same path in every attempt, since the
            configuration names it.
        job: what to train.
        train_lmdb: the samples to learn from.
        validation_lmdb: the samples that choose the checkpoint; None for the last checkpoint.
        place: machines to train on, for a backend that needs some.
    """
    backend = find_backend(job.backend)
    request = TrainRequest(job, train_lmdb, validation_lmdb)
    return backend(context.store, request, place or WorkerResources(), context.work_dir)
