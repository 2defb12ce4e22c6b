from pathlib import Path

import pytest

from components.predict.partition_data import download_samples
from ocr_lib.data.lmdb_store import pack
from ocr_lib.errors import DataError, LmdbError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import upload
from ocr_lib.storage.store import Store
from tests.components.line_images import write_icdar

TEXTS = [f"TOTAL {number}.50" for number in range(10)]


@pytest.fixture
def lmdb(store: Store, tmp_path: Path) -> ArtifactRef:
    """Ten lines in shards of three, three, three and one."""
    images = write_icdar(tmp_path / "images", TEXTS)
    rows = [f"word_{number}.png\t{text}\n" for number, text in enumerate(TEXTS, start=1)]
    (tmp_path / "labels.txt").write_text("".join(rows))
    pack(tmp_path / "labels.txt", images, tmp_path / "lmdb", shard_samples=3)
    return upload(store, tmp_path / "lmdb", "datasets/lines/{digest}/lmdb")


@pytest.mark.parametrize(
    ("rows", "shards"), [(range(10), 4), (range(3), 1), (range(4, 8), 2), (range(9, 10), 1)]
)
def test_only_the_shards_of_the_lines_are_fetched(
    store: Store, lmdb: ArtifactRef, rows: range, shards: int, tmp_path: Path
) -> None:
    dataset = download_samples(store, lmdb, rows, tmp_path / "fetched")
    assert [dataset.sample(row).label for row in rows] == [TEXTS[row] for row in rows]
    assert len(dataset) == len(dataset.sizes) == len(TEXTS)
    assert len(list((tmp_path / "fetched").rglob("data.mdb"))) == shards


def test_other_lines_are_not_there(store: Store, lmdb: ArtifactRef, tmp_path: Path) -> None:
    dataset = download_samples(store, lmdb, range(3), tmp_path / "fetched")
    with pytest.raises(LmdbError):
        dataset.sample(3)


def test_another_data_set_in_its_place_is_refused(
    store: Store, lmdb: ArtifactRef, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="replaced after it was checked"):
        download_samples(store, ArtifactRef(lmdb.uri, "0" * 64), range(3), tmp_path / "fetched")
