"""Every step of the compiled package as a pod, in the order and with the rights of a real run."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from minio import Minio

from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.registry.production import read_production
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.storage.store import Store
from pipelines.titles import TITLES
from tests.cluster.dev_overlay import forwarded, install, uninstall
from tests.cluster.harness import IMAGE, Namespace, Tree, namespace, need_cluster
from tests.cluster.kfp_pod import Pods
from tests.cluster.kfp_stand_in import FAILED, SKIPPED, SUCCEEDED, StandIn
from tests.components.line_images import tar_of, write_icdar
from tests.secret_forms import holds

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "abcd", "1234"
PARTS = {  # archives of the training data, packed by a pod each, and of the test set
    "train/part-000": [f"{a}{b}{c}" for a in "ab" for b in SECOND for c in FIRST],
    "train/part-001": [f"{a}{b}{c}" for a in "cd" for b in SECOND for c in FIRST],
    "eval/lines": [f"{a}{b}{c}{d}" for a in SECOND for b in FIRST for c in SECOND for d in "abcde"],
}
PARAMETERS: Tree = {
    "train_minutes": 0.0,
    "train_backend": "auto",  # the cluster knows PaddleJobs
    "options": {
        # so that there are as many rounds as pods are allowed
        "pack": {"gib_per_pod": 1e-9, "max_pods": 2},
        "config_overrides": [
            "Global.epoch_num=30",
            "Global.eval_batch_epoch=15",
            "Global.character_dict_path=null",
            "Train.loader.batch_size_per_card=8",
        ],
        "train_job": {"shared_memory": "64Mi", "deadline_hours": 0.25},
        "evaluate": {"max_pods": 2},
        "gate": {"min_accuracy": 0.0, "min_norm_edit_dis": 0.0, "min_samples": 16},
    },
}


@dataclass
class Place:
    """A namespace with servers, keys and data, ready for runs of the package."""

    space: Namespace
    store: Store
    pods: Pods
    spec: Tree = field(repr=False)
    platform: Tree = field(repr=False)
    images: dict[str, bytes] = field(repr=False)
    secrets: dict[str, Tree] = field(repr=False)

    def run(self, **parameters: Any) -> tuple[str, StandIn]:
        """Runs the package; returns how it ended, and the run."""
        launcher = self.space.get("configmap", "kfp-launcher")["data"]
        run = StandIn(self.spec, self.platform, launcher["defaultPipelineRoot"], self.pods.execute)
        sources = {
            "train_data_uri": self.store.uri("sources/train/"),
            "test_data_uri": self.store.uri("sources/eval/lines.tar"),
        }
        return run.run({**PARAMETERS, **sources, **parameters}), run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    need_cluster()
    folder = tmp_path_factory.mktemp("pipeline")
    with (
        namespace(folder, f"ocr-run-{secrets.token_hex(3)}") as space,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in space.store.items():
            patch.setenv(name, value)
        store = Store.from_env()
        made = install(space, store)
        try:
            images = upload_sources(store, folder)
            logs = Path(os.environ.get("OCR_CLUSTER_LOGS") or folder)
            yield Place(space, store, Pods(space, store, logs), *compiled(folder), images, made)
        finally:
            uninstall(space, store, made)
            remove_bucket(store)


def upload_sources(store: Store, folder: Path) -> dict[str, bytes]:
    """Draws the lines and uploads them; returns the pictures of those that decide."""
    for name, labels in PARTS.items():
        store.put_file(tar_of(write_icdar(folder / name, labels)), f"sources/{name}.tar")
    return {path.name: path.read_bytes() for path in (folder / "eval/lines").glob("*.png")}


def compiled(folder: Path) -> tuple[Tree, Tree]:
    """Compiles the package as for a cluster of one node."""
    path = folder / "package.yaml"
    options = ["--out", str(path), "--placement", "one-node", "--image", f"train={IMAGE}"]
    subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", "pipeline", "compile", *options],
        cwd=ROOT,
        timeout=300,
        check=True,
    )
    spec, platform = yaml.safe_load_all(path.read_text("utf-8"))
    return spec, platform


def remove_bucket(store: Store) -> None:
    """Removes the bucket with all that is in it."""
    client = Minio(
        store.client.endpoint.partition("://")[2],
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
        secure=store.client.endpoint.startswith("https"),
    )
    for item in client.list_objects(store.bucket, recursive=True):
        client.remove_object(store.bucket, str(item.object_name))
    client.remove_bucket(store.bucket)


def test_a_run_ends_with_a_served_model_and_the_next_finds_nothing_new(
    place: Place, tmp_path: Path
) -> None:
    state, run = place.run()
    took = "\n".join(f"{task:10} {seconds:6.1f} s" for task, seconds in place.pods.seconds)
    sys.stdout.write(f"\n{took}\n")
    assert state == SUCCEEDED, place.pods.said(run.run_id)
    rounds = ["gen-label", "pack-lmdb"] * 2
    rest = ["preflight", "train", "predict", "predict", "evaluate"]
    steps = [task for task, _ in run.states if task in TITLES]
    assert steps == ["plan", *rounds, *rest, "export", "deploy", "clean-up"]
    assert {ended for _, ended in run.states} == {SUCCEEDED}
    assert "the backend says COMPLETE" in place.pods.said(run.run_id)
    assert not place.space.get("paddlejobs")["items"]

    production = read_production(place.store, "ocr")
    assert production is not None
    assert production.version == 1
    bundle = place.store.get_tree(production.bundle, tmp_path / "bundle")
    pictures = list(place.images.values())[:16]
    own = [found.text for found in open_bundle(bundle).read(pictures)]
    with forwarded(place.space) as url, RecognitionClient(url, "ocr") as recognizer:
        assert [recognizer.read(picture).text for picture in pictures] == own

    state, again = place.run(skip_if_unchanged=True)
    assert state == SUCCEEDED, place.pods.said(again.run_id)
    ended = dict(again.states)
    assert (ended["plan"], ended["condition-2"], ended["clean-up"]) == (
        SUCCEEDED,
        SKIPPED,
        SUCCEEDED,
    )
    assert "train" not in ended


def test_a_step_that_fails_ends_the_run_and_the_exit_handler_hears_of_it(place: Place) -> None:
    state, run = place.run(test_data_uri=place.store.uri("sources/nowhere.tar"))
    assert state == FAILED
    assert [(task, ended) for task, ended in run.states if task in TITLES] == [
        ("plan", FAILED),
        ("clean-up", SUCCEEDED),
    ]
    said = place.pods.said(run.run_id)
    assert "sources/nowhere.tar" in said
    assert "Traceback" not in said
    assert "the backend says FAILED" in said


def test_the_runs_left_no_secret_behind(place: Place) -> None:
    """In no object of the API but the Secrets, no log, command line, package or stored object."""
    keys = {
        f"{name} {key}": value
        for name, item in place.secrets.items()
        for key, value in item["stringData"].items()
        if key != "accesskey"  # a name
    }
    inside = ["exec", "deployment/triton", "--container=triton", "--", "sh", "-c"]
    environment = place.space.kubectl(*inside, "cat /proc/1/environ").encode()
    used = [name for name, value in keys.items() if holds(environment, value)]
    assert len(used) >= 2, "the server has no key, so there is nothing to find"

    left = [
        f"{name} in {where}"
        for where, content in traces(place)
        for name in keys
        if holds(content, keys[name])
    ]
    assert not left


def traces(place: Place) -> Iterator[tuple[str, bytes]]:
    """Yields what the runs left, with its name."""
    kubectl = place.space.kubectl
    kinds = kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    for kind in kinds:
        if kind != "secrets":
            yield kind, kubectl("get", kind, "-o", "json").encode()
    yield "the servers' logs", kubectl("logs", "deployment/triton", "--all-containers").encode()
    lines = ("--container=triton", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline")
    yield "command lines", kubectl("exec", "deployment/triton", *lines).encode()
    yield "the package", json.dumps([place.spec, place.platform]).encode()
    for path in place.pods.logs.iterdir():
        if path.suffix in (".log", ".json"):
            yield path.name, path.read_bytes()
    for item in place.store.list(""):
        yield item.key, place.store.get_bytes(item.key, 1 << 30)
