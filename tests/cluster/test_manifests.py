"""The manifests on a real API server, and the dev overlay's servers serving."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.rollout import deploy
from ocr_lib.storage.access_policy import ACCESS
from ocr_lib.storage.store import Store
from tests.cluster.dev_overlay import (
    TRITON,
    acting_as,
    forwarded,
    install,
    moved,
    uninstall,
    wait_available,
)
from tests.cluster.harness import Namespace, Tree
from tests.manifests.overlays import OVERLAYS, overlay
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

pytestmark = pytest.mark.cluster

MODEL = "tiny"
TEXTS = ("abc", "cab", "bé中a")
PREFIXES = (
    "datasets/",
    "runs/",
    "registry/m/bundles/",
    "triton/",
    "leases/",
    "feedback/",
    "kfp/",
)


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
        deployed = deploy(
            str(bundle), MODEL, golden, store=Store.from_env(), endpoints=[url], force="a test"
        )
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
        for other in PREFIXES:
            name = f"{other}{stage}"
            if any(re.match(prefix.replace("*", "[^/]+"), name) for prefix in access.write):
                own.put_json(name, {})
                assert own.get_json(name) == {}
            else:
                with pytest.raises(ServiceError, match="AccessDenied"):
                    own.put_json(name, {})


@pytest.fixture(scope="module")
def serving(space: Namespace, store: Store) -> Iterator[dict[str, Tree]]:
    """Applies the dev overlay with the cluster's store; yields the Secrets by name."""
    made = install(space, store, MODEL)
    yield made
    uninstall(space, store, made)


def texts(url: str) -> list[str]:
    with RecognitionClient(url, MODEL) as recognizer:
        return [recognizer.read(line_image(text)).text for text in TEXTS]
