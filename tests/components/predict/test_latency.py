"""Candidate and champion timed on the samples of a partition."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.predict.latency import IMAGES, time_both
from ocr_lib.data.base import Sample
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.inference.bundle import ONNX
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store
from ocr_lib.training import load_run
from tests.components.trained_run import Data
from tests.ocr_lib.memory_dataset import MemoryDataset
from tests.ocr_lib.serving.tiny_bundle import write_bundle


class Watched(LmdbDataset):
    """Notes which samples are read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read: list[int] = []

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        self.read.append(i)
        return super().sample(i, rng)


@pytest.mark.slow
def test_both_are_timed_on_samples_of_the_partition_alone(
    store: Store, data: Data, model: ArtifactRef, tmp_path: Path
) -> None:
    dataset = Watched(download(store, data.test, tmp_path / "test"))
    trained = load_run(download(store, model, tmp_path / "run"), "latest")
    champion = write_bundle(tmp_path / "champion", tuple("0123"))
    times = time_both(trained, champion, dataset, range(5, 12), tmp_path / "trial")
    assert times is not None
    assert times.latency_ms > 0
    assert times.champion_latency_ms > 0
    assert times.size_bytes == (tmp_path / "trial" / ONNX).stat().st_size
    assert times.champion_size_bytes == (champion / ONNX).stat().st_size
    assert sorted(dataset.read) == list(range(5, 12))  # fewer than IMAGES: each once
    assert len(dataset.read) < IMAGES


def test_without_an_image_that_can_be_read_nothing_is_timed(tmp_path: Path) -> None:
    network: Any = None  # never asked
    dataset = MemoryDataset([(None, "a")] * 3)
    assert time_both(network, tmp_path, dataset, range(3), tmp_path / "trial") is None
    assert not (tmp_path / "trial" / ONNX).exists()
