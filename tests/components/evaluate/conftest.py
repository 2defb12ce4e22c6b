"""A real run on small data, as the steps after training find it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines

TEXTS = [f"{i:03}" for i in range(0, 600, 7)]


class Data(NamedTuple):
    """The three sets."""

    train: ArtifactRef
    validation: ArtifactRef
    test: ArtifactRef


@pytest.fixture
def data(store: Store, tmp_path: Path) -> Data:
    parts = {"train": TEXTS[:48], "validation": TEXTS[48:60], "test": TEXTS[60:]}
    return Data(*(pack_lines(store, tmp_path / role, texts) for role, texts in parts.items()))


@pytest.fixture
def model(store: Store, data: Data, tmp_path: Path) -> ArtifactRef:
    from ocr_lib.training import train
    from tests.ocr_lib.training.line_data import small_config

    folders = [download(store, p, tmp_path / f"lmdb-{i}") for i, p in enumerate(data[:2])]
    train(small_config(*folders, tmp_path / "run", **{"Global.epoch_num": 1}), quiet=True)
    return upload(
        store, tmp_path / "run", f"runs/{tmp_path.name}", run=tmp_path.name, checkpoint="latest",
        train_digest=data.train.digest, validation_digest=data.validation.digest,
    )  # fmt: skip
