"""Where a run trains on a cluster: what the user set on the pipeline's task, handed on."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from ocr_lib.jobs.paddlejob import Pods
from ocr_lib.runspec.job_options import JobOptions
from ocr_lib.storage.pod_env import store_env

STAGE = "train"  # whose key to the object store the workers have
# The token of the account that may start training jobs, for the steps that start and end them.
TOKEN_SECRET = "ocr-launcher-token"  # noqa: S105 - the name of the secret


class TaskSettings(Protocol):
    """The part of `kfp.dsl.TaskConfig` that is handed on; None where nothing was set."""

    affinity: dict[str, Any] | None
    tolerations: list[dict[str, Any]] | None
    node_selector: dict[str, str] | None
    env: list[dict[str, Any]] | None
    volumes: list[dict[str, Any]] | None
    volume_mounts: list[dict[str, Any]] | None
    resources: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class WorkerResources:
    """Machines for a run; a backend in the step itself needs none.

    Attributes:
        image: of the workers.
        workers: how many pods; the devices of each are in `pods`.
        pods: what each may use, and where it runs.
        options: queue, deadlines, retries.
    """

    image: str = ""
    workers: int = 1
    pods: Pods = field(default_factory=Pods)
    options: JobOptions = field(default_factory=JobOptions)


def pods_of(task: TaskSettings) -> Pods:
    """Returns a task's settings as those of pods, with the object store's environment.

    The token with which the step starts jobs stays in the step.
    """
    env = list(task.env or ())
    named = {item["name"] for item in env}
    env += [item for item in store_env(STAGE) if item["name"] not in named]
    resources = {key: value for key, value in (task.resources or {}).items() if value}
    affinity = {key: value for key, value in (task.affinity or {}).items() if value}
    volumes = [item for item in task.volumes or () if not _holds_token(item)]
    volume_names = {item["name"] for item in volumes}
    return Pods(
        resources=resources,
        node_selector=dict(task.node_selector or {}),
        tolerations=tuple(task.tolerations or ()),
        affinity=affinity,
        env=tuple(env),
        volumes=tuple(volumes),
        volume_mounts=tuple(
            item for item in task.volume_mounts or () if item["name"] in volume_names
        ),
    )


def _holds_token(volume: dict[str, Any]) -> bool:
    return (volume.get("secret") or {}).get("secretName") == TOKEN_SECRET
