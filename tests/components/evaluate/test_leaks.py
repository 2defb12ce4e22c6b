from pathlib import Path

import pytest

from components.evaluate.leaks import refuse_leaked_images
from components.shared.handoff import fetch
from components.shared.pointer import Pointer
from components.shared.store import Store
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import DataError
from tests.components.packed import pack_lines


@pytest.fixture
def train(store: Store, tmp_path: Path) -> Pointer:
    return pack_lines(tmp_path / "train", ["abc", "b", "cab"])


def evaluation(tmp_path: Path, labels: list[str]) -> LmdbDataset:
    pointer = pack_lines(tmp_path / "eval", labels)
    return LmdbDataset(fetch(pointer, tmp_path / "held-out"))


def test_other_images_pass_without_the_training_images(train: Pointer, tmp_path: Path) -> None:
    refuse_leaked_images(train, evaluation(tmp_path, ["bb", "ca"]), tmp_path / "work")
    assert not list((tmp_path / "work").rglob("data.mdb"))


def test_a_training_image_is_named(train: Pointer, tmp_path: Path) -> None:
    dataset = evaluation(tmp_path, ["bb", "cab", "b"])
    with pytest.raises(DataError, match=r"2 of 3 images are training images too \(.*:2 of the ev"):
        refuse_leaked_images(train, dataset, tmp_path / "work")


def test_other_training_data_than_was_trained_on(train: Pointer, tmp_path: Path) -> None:
    changed = Pointer(train.uri, "0" * 64)
    with pytest.raises(DataError, match="other data lie there now"):
        refuse_leaked_images(changed, evaluation(tmp_path, ["bb"]), tmp_path / "work")
