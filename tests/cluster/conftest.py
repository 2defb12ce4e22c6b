"""The cluster that KUBECONFIG names; without one, these tests are skipped.

A namespace for each file: what one installs, such as other keys, is nothing to the next.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib.storage.store import Store
from tests.cluster.harness import Namespace, namespace, need_cluster
from tests.cluster.runs import Runs
from tests.components.packed import pack_lines

LINES = [f"{a}{b}{a}" for a in "abcdefgh" for b in "12345678"]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    need_cluster()
    with namespace(tmp_path_factory.mktemp("cluster"), f"ocr-test-{secrets.token_hex(3)}") as space:
        yield space


@pytest.fixture(scope="module")
def store(space: Namespace) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in space.store.items():
            patch.setenv(name, value)
        store = Store.from_env()
        store.client.make_bucket(store.bucket)
        yield store


@pytest.fixture(scope="module")
def runs(
    space: Namespace, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    folder = Path(os.environ.get("OCR_CLUSTER_LOGS") or tmp_path_factory.mktemp("runs"))
    data = tmp_path_factory.mktemp("data")
    train, validation = (
        pack_lines(store, data / "train", LINES),
        pack_lines(store, data / "validation", LINES[:8]),
    )
    runs = Runs(space, store, train, validation, folder)
    yield runs
    for run in runs.started:
        run.kill()
