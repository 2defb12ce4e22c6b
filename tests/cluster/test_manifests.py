"""The manifests on a real API server, and the dev overlay's servers serving."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.deploy.admin import TritonAdmin
from components.deploy.client import Recognizer
from components.deploy.rollout import deploy
from components.deploy.smoke import golden_images
from components.shared.access import ACCESS, secret_name
from components.shared.store import Store
from components.shared.store_secrets import TRITON_SECRET, new_secrets
from components.shared.store_setup import prepare_bucket, set_up_minio
from ocr_lib.errors import ServiceError
from tests.cluster.harness import Namespace, Tree, until
from tests.components.deploy.tiny_bundle import line_image, write_bundle
from tests.manifests.overlays import OVERLAYS, overlay

pytestmark = pytest.mark.cluster

MODEL = "tiny"
TEXTS = ("abc", "cab", "bé中a")
STORE_KINDS = ("StatefulSet", "Job", "Namespace")  # the cluster has a store of its own
TRITON = "app.kubernetes.io/component=triton"


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_api_server_takes_every_object(space: Namespace, name: str) -> None:
    label = "pod-security.kubernetes.io/warn=restricted"
    space.kubectl("label", "--overwrite", "namespace", space.name, label)
    objects = moved(overlay(name), space.name)
    run = subprocess.run(
        [
            *("kubectl", "--kubeconfig", str(space.kubeconfig), "apply", "-f", "-"),
            *("--server-side", "--dry-run=server", "--force-conflicts"),
        ],
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "would violate PodSecurity" not in run.stderr, run.stderr
    assert run.stdout.count("\n") == len(objects)


def test_servers_of_the_dev_overlay_serve_and_come_back(
    serving: dict[str, Tree], space: Namespace, store: Store, tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    golden = golden_images(bundle, {text: line_image(text) for text in TEXTS})
    with forwarded(space) as url, acting_as(serving, "deploy", store):
        deployed = deploy(str(bundle), MODEL, golden, store=Store.from_env(), endpoints=[url])
        assert deployed.production.version == 1
        assert texts(url) == list(TEXTS)
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("OCR_TRITON_ADMIN_KEY")
            stranger = TritonAdmin(url)
        with stranger, pytest.raises(ServiceError, match="OCR_TRITON_ADMIN_KEY"):
            stranger.unload(MODEL)
    (pod,) = space.pods(TRITON)
    space.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=true")
    wait_available(space)
    with forwarded(space) as url:
        assert texts(url) == list(TEXTS)


def test_a_key_opens_what_its_steps_use_and_nothing_else(
    serving: dict[str, Tree], store: Store
) -> None:
    for stage, access in ACCESS.items():
        with acting_as(serving, stage, store):
            own = Store.from_env()
        for other in ("datasets/", "runs/", "registry/m/bundles/", "triton/", "leases/", "kfp/"):
            name = f"{other}{stage}"
            if any(re.match(prefix.replace("*", "[^/]+"), name) for prefix in access.write):
                own.put_json(name, {})
                assert own.get_json(name) == {}
            else:
                with pytest.raises(ServiceError, match="AccessDenied"):
                    own.put_json(name, {})


@pytest.fixture(scope="module")
def serving(space: Namespace, store: Store) -> dict[str, Tree]:
    """Applies the dev overlay with the cluster's store; returns the Secrets by name."""
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
    for item in moved(overlay("dev"), space.name):
        if item["kind"] in STORE_KINDS or item["metadata"]["name"] == "seaweedfs":
            continue
        if item["metadata"]["name"] == "ocr-object-store":
            item["data"] = settings
        if item["kind"] == "Deployment":
            (keeper,) = [
                c for c in item["spec"]["template"]["spec"]["containers"] if c["name"] == "keeper"
            ]
            keeper["env"].append({"name": "OCR_MODELS", "value": MODEL})
        space.apply(item)
    wait_available(space)
    return made


def wait_available(space: Namespace) -> None:
    space.kubectl("rollout", "status", "deployment/triton", "--timeout=110s")
    until(lambda: len(space.pods(TRITON)) == 1, 60, "one server")


def moved(objects: tuple[Tree, ...], namespace: str) -> list[Tree]:
    """Returns the objects in another namespace, without the namespace itself."""
    text = json.dumps([item for item in objects if item["kind"] != "Namespace"])
    items: list[Tree] = json.loads(text)
    for item in items:
        item["metadata"]["namespace"] = namespace
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


def texts(url: str) -> list[str]:
    with Recognizer(url, MODEL) as recognizer:
        return [recognizer.read(line_image(text)).text for text in TEXTS]
