"""Where each step runs and what it may use: the one table that the DAG and the manifests share.

A node pool is one label and one taint of the same name and value, so that a pool takes only the
steps meant for it: `ocr/pool=gpu-train`.
"""

import os
from dataclasses import dataclass

from kfp import kubernetes
from kfp.dsl import PipelineTask

from components.shared.access import secret_name
from components.shared.store_env import STORE_CONFIG_KEYS, STORE_CONFIG_MAP, STORE_SECRET_KEYS
from components.shared.store_secrets import TRITON_SECRET

POOL_LABEL = "ocr/pool"
USER_ID = 65532  # of every image; numeric, so that Kubernetes can see that it is not root

# Of each training pod; 0 for a cluster without any, where no other step asks for one either.
TRAIN_ACCELERATORS = int(os.environ.get("OCR_TRAIN_ACCELERATORS", "1"))
# Resource name of a step's accelerator.
ACCELERATOR = os.environ.get("OCR_ACCELERATOR", "nvidia.com/gpu") if TRAIN_ACCELERATORS else ""


@dataclass(frozen=True, slots=True)
class Placement:
    """Pool, key, resources and deadline of one step.

    Attributes:
        pool: value of the pool's label and taint.
        key: which of the object store's keys it has, see `components/shared/access.py`.
        cpu: cores asked for.
        memory: memory asked for and allowed, Kubernetes notation.
        accelerators: how many devices of `ACCELERATOR`.
        timeout_s: the step fails after so many seconds.
    """

    pool: str
    key: str
    cpu: str
    memory: str
    accelerators: int
    timeout_s: int


# Task name → its place.
PLACEMENTS = {
    "plan": Placement("data", "data", "500m", "1Gi", 0, 1800),
    "gen-label": Placement("data", "data", "1", "2Gi", 0, 6 * 3600),
    "pack-lmdb": Placement("data", "data", "4", "8Gi", 0, 12 * 3600),
    "preflight": Placement("data", "data", "1", "4Gi", 0, 3 * 3600),
    "train": Placement("gpu-train", "train", "4", "16Gi", TRAIN_ACCELERATORS, 7 * 24 * 3600),
    "read-lines": Placement("gpu-serve", "evaluate", "2", "8Gi", 1, 6 * 3600),
    "evaluate": Placement("gpu-serve", "evaluate", "2", "8Gi", 1, 6 * 3600),
    "export": Placement("gpu-serve", "export", "2", "8Gi", 1, 3600),
    "deploy": Placement("data", "deploy", "1", "2Gi", 0, 3600),
    "clean-up": Placement("data", "train", "200m", "512Mi", 0, 1800),
}


def place(task: PipelineTask) -> PipelineTask:
    """Puts a task where `PLACEMENTS` says, as an ordinary user, with its key of the store."""
    where = PLACEMENTS[task.name]
    task.set_cpu_request(where.cpu).set_memory_request(where.memory).set_memory_limit(where.memory)
    if where.accelerators and ACCELERATOR:
        task.set_accelerator_type(ACCELERATOR).set_accelerator_limit(where.accelerators)
    kubernetes.add_node_selector(task, POOL_LABEL, where.pool)
    kubernetes.add_toleration(task, POOL_LABEL, "Equal", where.pool, "NoSchedule")
    kubernetes.set_timeout(task, where.timeout_s)
    kubernetes.set_security_context(
        task, run_as_user=USER_ID, run_as_group=USER_ID, run_as_non_root=True
    )
    kubernetes.use_secret_as_env(task, secret_name(where.key), STORE_SECRET_KEYS)
    kubernetes.use_config_map_as_env(task, STORE_CONFIG_MAP, STORE_CONFIG_KEYS)
    if where.key == "deploy":  # absent where the servers were started without a key
        names = {"key": "OCR_TRITON_ADMIN_KEY"}
        kubernetes.use_secret_as_env(task, TRITON_SECRET, names, optional=True)
    return task
