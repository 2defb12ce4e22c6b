"""Where training runs: one function a backend, all with the same contract.

A backend trains a run and returns what came of it; called again after a failure it goes on from
the run's last checkpoint.
"""

from collections.abc import Callable
from pathlib import Path

from ocr_lib.errors import ConfigError
from ocr_lib.jobs.resources import WorkerResources
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.runspec.parameters import BackendParameter
from ocr_lib.runspec.spec import TrainBackend
from ocr_lib.settings import Settings
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store

Backend = Callable[[Store, TrainRequest, WorkerResources, Path], ArtifactRef]


def local(
    store: Store,
    work: TrainRequest,
    place: WorkerResources,  # noqa: ARG001 (one contract)
    folder: Path,
) -> ArtifactRef:
    """Trains in the step itself."""
    from ocr_lib.jobs.local import train_here

    return train_here(store, work, folder)


def paddlejob(
    store: Store,
    work: TrainRequest,
    place: WorkerResources,
    folder: Path,  # noqa: ARG001 (one contract)
) -> ArtifactRef:
    """Trains in the pods of a PaddleJob, and watches them."""
    from ocr_lib.jobs.kubernetes_api import KubernetesApi
    from ocr_lib.jobs.launcher import Launcher
    from ocr_lib.jobs.paddlejob import JobSpec

    in_pipeline = bool(Settings.from_env().pipeline_pod)
    spec = JobSpec(
        run=work.run,
        work=work.to_json(),
        image=place.image,
        workers=place.workers,
        pods=place.pods,
        options=place.options,
        pipeline_run=work.run if in_pipeline else "",
    )
    return Launcher(KubernetesApi.connect(), store, work, spec).run()


BACKENDS: dict[TrainBackend, Backend] = {"local": local, "paddlejob": paddlejob}


def resolve_backend(name: BackendParameter) -> TrainBackend:
    """Returns the backend that a run's parameter means.

    `auto` is `paddlejob` in a pod of a cluster, `local` elsewhere.

    Raises:
        ConfigError: `auto`, and the cluster knows no PaddleJobs: a step trains without a device or
            memory of its own unless the package was compiled for that.
        KubernetesError: the cluster does not say whether it does.
    """
    from ocr_lib.jobs.kubernetes_api import KubernetesApi, in_cluster

    if name == "auto" and in_cluster():
        if not KubernetesApi.connect().knows_paddlejobs():
            raise ConfigError(
                "train_backend",
                "is auto, and this cluster knows no PaddleJobs (kubeflow.org/v1)",
                "Install the training operator, or write local, with a package that was compiled "
                "with --train-in-step",
            )
        name = "paddlejob"
    return "paddlejob" if name == "paddlejob" else "local"
