"""Packing side by side: the same dataset, whichever pod packs which part."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.components.line_images import tar_of, write_icdar

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
TEXTS = [[f"TOTAL {part}{n}.50" for n in range(6)] for part in range(4)]


@pytest.fixture
def sources(store: Store, tmp_path: Path) -> dict[str, str]:
    for number, texts in enumerate(TEXTS):
        tar = tar_of(write_icdar(tmp_path / f"train-{number}", texts))
        store.put_file(tar, f"fan-out/train/{number}.tar")
    test = tar_of(write_icdar(tmp_path / "test", ["TOTAL 5.50", "TOTAL 7.50"]))
    uri = store.put_file(test, "fan-out/test.tar")
    return {"train_data_uri": store.uri("fan-out/train"), "test_data_uri": uri}


def run(
    s3_server: S3Server, root: Path, **arguments: object
) -> tuple[ArtifactRef, ArtifactRef, int]:
    """Returns what the trainer would be given, and in how many rounds it was packed."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.pipelines.fan_out", str(root)],
        input=json.dumps(arguments),
        env={**os.environ, **s3_server.environment()},
        text=True,
        check=True,
        timeout=500,
        capture_output=True,
    )
    found = [
        ArtifactRef(**json.loads(next(root.glob(f"*/preflight/{name}")).read_text()))
        for name in ("train_lmdb", "test_lmdb")
    ]
    return found[0], found[1], len(list(root.rglob("pack-lmdb/shards")))


def test_one_pod_or_many_make_the_same_data_set(
    store: Store, s3_server: S3Server, sources: dict[str, str], tmp_path: Path
) -> None:
    one_pod, three_pods = {}, {"pack": {"gib_per_pod": 1e-9, "max_pods": 3}}
    alone = run(s3_server, tmp_path / "alone", **sources, options=one_pod)
    shared = run(s3_server, tmp_path / "shared", **sources, options=three_pods)
    assert (alone[2], shared[2]) == (1, 3)
    assert alone[:2] == shared[:2]
    dataset = LmdbDataset(store.get_tree(shared[0].uri, tmp_path / "lmdb"))
    assert sorted(dataset.labels()) == sorted(text for texts in TEXTS for text in texts)
