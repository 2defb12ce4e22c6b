"""What a task of the DAG gets: its image, resources, node pool, user, secrets and deadline."""

from collections.abc import Mapping
from pathlib import Path

from kfp import kubernetes
from kfp.dsl import PipelineTask

from components.images import Name
from ocr_lib.jobs.resources import TOKEN_SECRET
from ocr_lib.settings import Settings
from ocr_lib.storage.access_policy import secret_name
from ocr_lib.storage.pod_env import (
    CA_CONFIG_MAP,
    CA_FOLDER,
    STORE_CONFIG_KEYS,
    STORE_CONFIG_MAP,
    STORE_SECRET_KEYS,
    TRITON_CLIENT_FOLDER,
    TRITON_CLIENT_SECRET,
    TRITON_CONFIG_KEYS,
    TRITON_CONFIG_MAP,
)
from ocr_lib.storage.secrets import TRITON_SECRET
from pipelines.placement import POOL_LABEL, BuildOptions, default_images, row_of

# Optional: without the Secret the step starts, and says which right is missing.
TOKEN_FOLDER = str(Path(Settings().kubernetes_token_file).parent)
USER_ID = 65532  # of every image; numeric, so that Kubernetes can see that it is not root


def apply_settings(task: PipelineTask, options: BuildOptions) -> None:
    """Puts a task where `STEPS` says, as an ordinary user, with its image and its store key."""
    step = row_of(task.name)
    resources = step.resources(options.placement)
    task.set_container_image(_reference(task.container_spec.image, options.images))
    task.set_cpu_request(resources.cpu)
    task.set_memory_request(resources.memory).set_memory_limit(resources.memory_limit)
    if accelerators := options.accelerators(task.name):
        task.set_accelerator_type(options.accelerator).set_accelerator_limit(accelerators)
    if options.placement == "pools":
        kubernetes.add_node_selector(task, POOL_LABEL, step.pool)
        kubernetes.add_toleration(task, POOL_LABEL, "Equal", step.pool, "NoSchedule")
    kubernetes.set_timeout(task, step.timeout_s)
    kubernetes.set_security_context(
        task, run_as_user=USER_ID, run_as_group=USER_ID, run_as_non_root=True
    )
    kubernetes.use_secret_as_env(task, secret_name(step.key), STORE_SECRET_KEYS)
    if step.manages_jobs:  # the account of the run has no right on training jobs
        kubernetes.use_secret_as_volume(task, TOKEN_SECRET, TOKEN_FOLDER, optional=True)
    kubernetes.use_config_map_as_env(task, STORE_CONFIG_MAP, STORE_CONFIG_KEYS)
    kubernetes.use_config_map_as_volume(task, CA_CONFIG_MAP, CA_FOLDER, optional=True)
    if step.key == "deploy":  # absent where the servers were started without a key
        names = {"key": "OCR_TRITON_ADMIN_KEY"}
        kubernetes.use_secret_as_env(task, TRITON_SECRET, names, optional=True)
        kubernetes.use_config_map_as_env(task, TRITON_CONFIG_MAP, TRITON_CONFIG_KEYS, optional=True)
        kubernetes.use_secret_as_volume(
            task, TRITON_CLIENT_SECRET, TRITON_CLIENT_FOLDER, optional=True
        )


def _reference(declared: str, images: Mapping[Name, str]) -> str:
    """Returns the reference of the image that a component declares by this version's tag."""
    (name,) = [name for name, tag in default_images().items() if tag == declared]
    return images[name]
