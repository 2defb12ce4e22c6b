from pathlib import Path

import pytest

from components.gen_label.step import Source, gen_label
from components.pack_lmdb.step import pack_lmdb
from components.preflight.join import join
from components.shared.pointer import Pointer
from components.shared.store import Store
from ocr_lib.data.lmdb_store import LmdbDataset, verify
from ocr_lib.errors import DataError
from tests.components.line_images import write_icdar

TEXTS = [["one", "two", "three"], ["four"], ["five", "six"]]


@pytest.fixture
def parts(store: Store, tmp_path: Path) -> list[Pointer]:
    found = []
    for number, texts in enumerate(TEXTS):
        folder = write_icdar(tmp_path / f"source-{number}", texts)
        source = Source("lines-train", str(folder), split="train")
        work = tmp_path / f"work-{number}"
        found.append(pack_lmdb(gen_label(source, work)[0], work))
    return found


def objects(store: Store) -> set[str]:
    return {item.key for item in store.list("datasets/lines-train/")}


def test_parts_become_one_data_set_and_no_shard_is_copied(
    store: Store, parts: list[Pointer], tmp_path: Path
) -> None:
    before = objects(store)
    whole = join(parts, "train", tmp_path / "join")
    new = {key.rpartition("/")[2] for key in objects(store) - before}
    assert new == {"manifest.json", "report.json", "tree-manifest.json"}
    folder = store.get_tree(whole.uri, tmp_path / "whole")
    verify(folder)
    assert list(LmdbDataset(folder).labels()) == [text for texts in TEXTS for text in texts]
    assert whole.metadata["samples"] == 6
    assert whole.metadata["shards"] == 3


def test_the_result_does_not_depend_on_who_packed_what(
    store: Store, parts: list[Pointer], tmp_path: Path
) -> None:
    whole = join(parts, "train", tmp_path / "one")
    other = join([parts[2], parts[0], parts[1]], "train", tmp_path / "two")
    assert other == whole
    assert whole.digest in whole.uri


def test_a_single_part_is_the_data_set(parts: list[Pointer], tmp_path: Path) -> None:
    assert join(parts[:1], "train", tmp_path / "join") == parts[0]


def test_a_split_without_parts_is_named(parts: list[Pointer], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="eval: no part of this split"):
        join(parts, "eval", tmp_path / "join")
