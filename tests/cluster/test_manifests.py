"""The manifests on a real API server, and the dev overlay's servers serving."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.registry.production import read_production
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
from tests.cluster.harness import Namespace, Tree, namespace, need_cluster
from tests.manifests.overlays import OVERLAYS, build, certificates, overlay, variant
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


@dataclass
class Encrypted:
    """Servers over TLS in a namespace of their own.

    Attributes:
        space: the namespace.
        store: its bucket, opened as the administrator.
        secrets: by name.
        settings: environment of a client of the servers.
    """

    space: Namespace
    store: Store
    secrets: dict[str, Tree]
    settings: dict[str, str]


@pytest.fixture(params=["triton-tls", "triton-mutual-tls"])
def encrypted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Encrypted]:
    """Applies the dev overlay with TLS."""
    need_cluster()
    both = f"images\n  - ../../components/{request.param}"
    objects = build(variant(tmp_path, "dev", "images", both))
    with namespace(tmp_path, f"ocr-tls-{token_hex(3)}") as space, environment(space.store):
        store = Store.from_env()
        store.client.make_bucket(store.bucket)
        files = {}
        for item in certificates(space.name):
            space.apply(item)
            if item["metadata"]["name"] == "ocr-triton-client":
                for key, content in item["stringData"].items():
                    files[key] = tmp_path / key
                    files[key].write_text(content)
        settings = {"OCR_TRITON_TLS_CA": str(files["ca.crt"]), "OCR_TRITON_TLS_NAME": "triton"}
        if request.param == "triton-mutual-tls":
            settings["OCR_TRITON_TLS_CERT"] = str(files["tls.crt"])
            settings["OCR_TRITON_TLS_KEY"] = str(files["tls.key"])
        made = install(space, store, MODEL, objects)
        yield Encrypted(space, store, made, settings)
        uninstall(space, store, made)


def test_servers_over_tls_serve_come_back_and_roll_back(
    encrypted: Encrypted, tmp_path: Path
) -> None:
    space, store = encrypted.space, encrypted.store
    bundles = [write_bundle(tmp_path / f"{s}", sharpness=s) for s in (40.0, 60.0)]
    golden = golden_images(bundles[0], {text: line_image(text) for text in TEXTS})
    golden = [replace(item, scored=False) for item in golden]
    with (
        forwarded(space) as url,
        acting_as(encrypted.secrets, "deploy", store),
        environment(encrypted.settings),
    ):
        for bundle in bundles:
            where = {"store": Store.from_env(), "endpoints": [url]}
            deploy(str(bundle), MODEL, golden, force="a test", **where)  # type: ignore[arg-type]
        assert texts(url) == list(TEXTS)
        without_tls = environment(dict.fromkeys(encrypted.settings, ""))
        with (
            without_tls,
            pytest.raises(ServiceError, match=r"it wants TLS\. Set OCR_TRITON_TLS_CA"),
        ):
            texts(url)
    (pod,) = space.pods(TRITON)
    space.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=true")
    wait_available(space)  # the keeper loads it over TLS
    job = json.loads(
        space.kubectl(
            *("create", "job", "back", "--from=cronjob/ocr-rollback"),
            *("--dry-run=client", "-o", "json"),
        )
    )
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"] += [f"--model={MODEL}"]
    space.apply(job)
    space.kubectl("wait", "--for=condition=complete", "--timeout=110s", "job/back")
    production = read_production(store, MODEL)
    assert production is not None
    assert production.version == 1


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def serving(space: Namespace, store: Store) -> Iterator[dict[str, Tree]]:
    """Applies the dev overlay with the cluster's store; yields the Secrets by name."""
    made = install(space, store, MODEL)
    yield made
    uninstall(space, store, made)


def texts(url: str) -> list[str]:
    with RecognitionClient(url, MODEL) as recognizer:
        return [recognizer.read(line_image(text)).text for text in TEXTS]
