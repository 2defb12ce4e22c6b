"""The cluster that KUBECONFIG names; without one, these tests are skipped."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.shared.store import Store
from tests.cluster.harness import Namespace, namespace
from tests.cluster.runs import Runs
from tests.components.packed import pack_lines

LINES = [f"{a}{b}{a}" for a in "abcdefgh" for b in "12345678"]


@pytest.fixture(scope="session")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    if not os.environ.get("KUBECONFIG") or not shutil.which("kubectl"):
        pytest.skip("no cluster: set KUBECONFIG, and put kubectl on the PATH")
    crd = ["kubectl", "get", "crd", "paddlejobs.kubeflow.org"]
    if subprocess.run(crd, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("no training operator on the cluster that KUBECONFIG names")
    with namespace(tmp_path_factory.mktemp("cluster"), f"ocr-test-{secrets.token_hex(3)}") as space:
        yield space


@pytest.fixture(scope="session")
def store(space: Namespace) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in space.store.items():
            patch.setenv(name, value)
        store = Store.from_env()
        store.client.make_bucket(store.bucket)
        yield store


@pytest.fixture(scope="session")
def runs(
    space: Namespace, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    folder = Path(os.environ.get("OCR_CLUSTER_LOGS") or tmp_path_factory.mktemp("runs"))
    data = tmp_path_factory.mktemp("data")
    train, held_out = pack_lines(data / "train", LINES), pack_lines(data / "eval", LINES[:8])
    runs = Runs(space, train, held_out, folder)
    yield runs
    for run in runs.started:
        run.kill()
