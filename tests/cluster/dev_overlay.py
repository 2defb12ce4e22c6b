"""The dev overlay in a test's namespace, with the cluster's object store in place of its own."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.serving.repository_store import prepare_bucket
from ocr_lib.storage.access_policy import ACCESS, secret_name
from ocr_lib.storage.secrets import TRITON_SECRET, new_secrets
from ocr_lib.storage.setup import minio_admin, set_up_minio
from ocr_lib.storage.store import Store
from tests.cluster.harness import IMAGE, Namespace, Tree, until
from tests.manifests.overlays import overlay

STORE_KINDS = ("StatefulSet", "Job", "Namespace")  # the cluster has a store of its own
# Of the cluster, not of a namespace.
CLUSTER_KINDS = ("validatingadmissionpolicybinding", "validatingadmissionpolicy")
TRITON = "app.kubernetes.io/component=triton"


def install(
    space: Namespace,
    store: Store,
    model: str = "",
    objects: tuple[Tree, ...] | None = None,
) -> dict[str, Tree]:
    """Applies the overlay and waits for its server; returns the Secrets by name.

    Args:
        space: where.
        store: the cluster's, which must be a MinIO, opened as its administrator.
        model: what the server keeps; empty for what it keeps by itself.
        objects: of another overlay of the same namespace and store.
    """
    made = {item["metadata"]["name"]: item for item in new_secrets("minio", store.bucket)}
    pairs = {
        stage: (data["accesskey"], data["secretkey"])
        for stage in ACCESS
        for data in [made[secret_name(stage)]["stringData"]]
    }
    prepare_bucket(store)
    try:
        set_up_minio(store, pairs)
    except ServiceError as error:
        pytest.skip(f"the cluster's store is no MinIO: {error}")
    settings = space.get("configmap", "ocr-object-store")["data"]
    for item in made.values():
        space.apply(item)
    for item in moved(objects or overlay("dev"), space.name):
        name = item["metadata"]["name"]
        if item["kind"] in STORE_KINDS or name == "seaweedfs":
            continue
        if name == "ocr-object-store":
            item["data"] = settings
        if name == "kfp-launcher":
            lead_to(item["data"], settings)
        if item["kind"] == "ValidatingAdmissionPolicy":
            (registries,) = (v for v in item["spec"]["variables"] if v["name"] == "registries")
            registries["expression"] = f"['{IMAGE.rpartition('/')[0]}']"
        if item["kind"] == "Deployment" and model:
            keep(item, model)
        space.apply(item)
    wait_available(space)
    return made


def uninstall(space: Namespace, store: Store, secrets: dict[str, Tree]) -> None:
    """Removes what `install` made outside of the namespace, in the store and of the cluster."""
    for kind in CLUSTER_KINDS:
        space.kubectl("delete", kind, "ocr-training-jobs", "--ignore-not-found")
    admin = minio_admin(store)
    for stage in ACCESS:
        admin.user_remove(secrets[secret_name(stage)]["stringData"]["accesskey"])
        admin.policy_remove(f"{store.bucket}-{stage}")


def lead_to(launcher: dict[str, str], settings: dict[str, str]) -> None:
    """Changes the launcher's store to another one."""
    root, providers = launcher["defaultPipelineRoot"], launcher["providers"]
    launcher["defaultPipelineRoot"] = re.sub("^s3://[^/]+", f"s3://{settings['bucket']}", root)
    launcher["providers"] = re.sub("endpoint: .*", f"endpoint: {settings['endpoint']}", providers)


def keep(deployment: Tree, model: str) -> None:
    """Makes the keeper of a server keep that model."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    (keeper,) = [container for container in containers if container["name"] == "keeper"]
    keeper["env"].append({"name": "OCR_MODELS", "value": model})


def wait_available(space: Namespace) -> None:
    """Waits until there is one server, and ready."""

    def available() -> bool:
        time.sleep(1)
        status = space.get("deployment", "triton")["status"]
        return status.get("availableReplicas") == 1 and len(space.pods(TRITON)) == 1

    until(available, 300, "one server that is ready")


def moved(objects: tuple[Tree, ...], namespace: str) -> list[Tree]:
    """Returns the objects in another namespace, without the namespace itself."""
    text = json.dumps([item for item in objects if item["kind"] != "Namespace"])
    items: list[Tree] = json.loads(text)
    for item in items:
        item["metadata"]["namespace"] = namespace
        for subject in item.get("subjects", ()):
            subject["namespace"] = namespace
    return items


@contextmanager
def forwarded(space: Namespace) -> Iterator[str]:
    """Leads a local port to a server's gRPC protocol."""
    process = subprocess.Popen(
        [
            *("kubectl", "--kubeconfig", str(space.kubeconfig), "port-forward"),
            *("deployment/triton", ":8001"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, line
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@contextmanager
def acting_as(secrets: dict[str, Tree], stage: str, store: Store) -> Iterator[None]:
    """Sets the environment that the Secrets give to a kind of step."""
    pair = secrets[secret_name(stage)]["stringData"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", pair["accesskey"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", pair["secretkey"])
        patch.setenv("OCR_S3_ENDPOINT", store.client.endpoint)
        patch.setenv("OCR_S3_BUCKET", store.bucket)
        patch.setenv("OCR_TRITON_ADMIN_KEY", secrets[TRITON_SECRET]["stringData"]["key"])
        yield
