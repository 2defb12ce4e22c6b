"""Where each step runs and what it may use: the one table that the DAG and the manifests share.

Two placements. `pools`: each step on the node pool that is meant for it; a pool is one label and
one taint of the same name and value, as `ocr/pool=gpu-train`. `one-node`: no pools, no devices, and
requests that fit next to Kubernetes, Kubeflow Pipelines and the servers on a node of 2 CPUs and
8 GiB. A request decides whether a pod starts, a limit what it may use once it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from components.images import NAMES, Name, image
from ocr_lib.errors import ConfigError

POOL_LABEL = "ocr/pool"
ACCELERATOR = "nvidia.com/gpu"

PlacementName = Literal["pools", "one-node"]
PLACEMENTS: tuple[PlacementName, ...] = get_args(PlacementName)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a step asks for, in Kubernetes' notation.

    Attributes:
        cpu: cores requested.
        memory: memory requested.
        memory_limit: memory allowed.
    """

    cpu: str
    memory: str
    memory_limit: str


@dataclass(frozen=True, slots=True)
class StepSpec:
    """Key, deadline, pool and resources of one step.

    Attributes:
        key: which of the object store's keys it has, see `ocr_lib/storage/access_policy.py`.
        timeout_s: the step fails after this many seconds.
        pool: value of its pool's label and taint.
        on_pool: resources with the placement `pools`.
        on_one_node: resources with the placement `one-node`.
        uses_accelerator: whether it computes on a device where the cluster has any.
        manages_jobs: whether it starts or ends training jobs, for which it has a token of its own.
    """

    key: str
    timeout_s: int
    pool: str
    on_pool: Resources
    on_one_node: Resources
    uses_accelerator: bool = False
    manages_jobs: bool = False

    def resources(self, placement: PlacementName) -> Resources:
        """Returns what the step asks for with a placement."""
        return self.on_pool if placement == "pools" else self.on_one_node


def _pool(cpu: str, memory: str) -> Resources:
    return Resources(cpu, memory, memory)


def _small(memory: str, memory_limit: str) -> Resources:
    return Resources("50m", memory, memory_limit)


_HOUR_S = 3600
# Task name → its row.
STEPS = {
    "plan": StepSpec("data", 1800, "data", _pool("500m", "1Gi"), _small("128Mi", "1Gi")),
    "gen-label": StepSpec("data", 6 * _HOUR_S, "data", _pool("1", "2Gi"), _small("256Mi", "2Gi")),
    "pack-lmdb": StepSpec("data", 12 * _HOUR_S, "data", _pool("4", "8Gi"), _small("256Mi", "2Gi")),
    "preflight": StepSpec("data", 3 * _HOUR_S, "data", _pool("1", "4Gi"), _small("256Mi", "2Gi")),
    # The row of the pods that train; the step that watches them asks for nothing.
    "train": StepSpec(
        *("train", 7 * 24 * _HOUR_S, "gpu-train", _pool("4", "16Gi"), _small("512Mi", "3Gi")),
        uses_accelerator=True,
        manages_jobs=True,
    ),
    "predict": StepSpec(
        *("evaluate", 6 * _HOUR_S, "gpu-serve", _pool("2", "8Gi"), _small("512Mi", "3Gi")),
        uses_accelerator=True,
    ),
    "evaluate": StepSpec(
        "evaluate", 3 * _HOUR_S, "data", _pool("1", "4Gi"), _small("256Mi", "2Gi")
    ),
    "export": StepSpec(
        *("export", _HOUR_S, "gpu-serve", _pool("2", "8Gi"), _small("512Mi", "3Gi")),
        uses_accelerator=True,
    ),
    "deploy": StepSpec("deploy", _HOUR_S, "data", _pool("1", "2Gi"), _small("256Mi", "2Gi")),
    "clean-up": StepSpec(
        *("train", 1800, "data", _pool("200m", "512Mi"), _small("128Mi", "512Mi")),
        manages_jobs=True,
    ),
}
# The first step of the pipeline that judges a run again; its others are above.
REOPEN = {
    "reopen": StepSpec("evaluate", 1800, "data", _pool("200m", "512Mi"), _small("128Mi", "512Mi"))
}


def row_of(task: str) -> StepSpec:
    """Returns the row of a task of either pipeline."""
    return STEPS[task] if task in STEPS else REOPEN[task]


# A step of both pipelines that runs each image.
EXECUTORS: dict[Name, str] = {
    "data": "exec-evaluate",
    "train": "exec-predict",
    "serve": "exec-deploy",
}


def default_images() -> dict[Name, str]:
    """Returns each image by the tag of this version."""
    return {name: image(name) for name in NAMES}


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """What a package is built for.

    Attributes:
        placement: which column of `STEPS` decides.
        images: reference of each image.
        accelerator: resource name of a device.
        train_accelerators: devices of each training pod; with 0 no other step asks for one either.
            None: 1 on pools, 0 on one node.
        train_in_step: the train step itself gets its row's resources, for `train_backend: local`.
    """

    placement: PlacementName = "pools"
    images: Mapping[Name, str] = field(default_factory=default_images)
    accelerator: str = ACCELERATOR
    train_accelerators: int | None = None
    train_in_step: bool = False

    def accelerators(self, task: str) -> int:
        """Returns how many devices a task asks for."""
        of_training = self.train_accelerators
        if of_training is None:
            of_training = 1 if self.placement == "pools" else 0
        if not row_of(task).uses_accelerator:
            return 0
        return of_training if task == "train" else min(of_training, 1)


def options_of(package: Mapping[str, Any]) -> BuildOptions:
    """Returns what a compiled package was built for, as far as a rejudgement needs it.

    Args:
        package: `pipeline_spec` and `platform_spec`, as a server holds a version.

    Raises:
        ConfigError: it is no package of this pipeline, or has no platform document.
    """
    try:
        executors = package["pipeline_spec"]["deploymentSpec"]["executors"]
        containers = {name: executors[task]["container"] for name, task in EXECUTORS.items()}
        images = {name: str(container["image"]) for name, container in containers.items()}
        platform = package["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]
        on_pool = "nodeSelector" in platform["executors"][EXECUTORS["train"]]
        device = containers["train"].get("resources", {}).get("accelerator", {})
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            "run",
            f"its pipeline version does not say where its steps run ({error!r})",
            "Give --placement and --images, as the pipeline was compiled with",
        ) from error
    return BuildOptions(
        placement="pools" if on_pool else "one-node",
        images=images,
        accelerator=device.get("resourceType") or device.get("type") or ACCELERATOR,
        train_accelerators=1 if device else 0,  # no other step asks for more
    )
