"""train between object stores: a run spec and packed lines → a run directory."""

from dataclasses import dataclass

from components.step_context import StepContext
from ocr_lib.jobs.backends import BACKENDS
from ocr_lib.jobs.paddlejob import Pods
from ocr_lib.jobs.resources import TaskSettings, WorkerResources, pods_of
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.runspec.spec_store import load_spec
from ocr_lib.storage.artifact_ref import ArtifactRef


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStepRequest:
    """What to train.

    Attributes:
        run: names the run; the same name again goes on with it.
        spec: the run spec.
        train: the samples to learn from.
        validation: the samples that choose the checkpoint; None for the last checkpoint.
        task: what was set on the task, for the pods of a backend that needs some.
    """

    run: str
    spec: ArtifactRef
    train: ArtifactRef
    validation: ArtifactRef | None
    task: TaskSettings | None = None


def train(context: StepContext, request: TrainStepRequest) -> ArtifactRef:
    """Trains, and uploads the run directory; goes on where an earlier attempt of the run stopped.

    Args:
        context: of the step; the working directory is at the same path in every attempt, since the
            configuration names it.
        request: what to train.

    Raises:
        DataError: the weights to start from were changed since the run was planned.
    """
    spec = load_spec(context.store, request.spec.digest)
    work = TrainRequest(request.run, request.spec.digest, request.train, request.validation)
    resources = WorkerResources(
        image=spec.images.get("train", ""),
        workers=spec.train_workers,
        pods=pods_of(request.task) if request.task else Pods(),
        options=spec.options.train_job,
    )
    return BACKENDS[spec.train_backend](context.store, work, resources, context.work_dir)
