"""Reading packed data sets: whole, damaged, from threads, after forks, in other processes."""

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.base import SAMPLE
from ocr_lib.data.lmdb_store import LmdbDataset, pack
from ocr_lib.data.lmdb_store.manifest import ShardFile
from ocr_lib.errors import LmdbError
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.data.lmdb_store.damage import COUNT, flip, flip_image, flip_label, remove


def test_every_sample_comes_back(root: Path) -> None:
    dataset = LmdbDataset(root)
    assert len(dataset) == COUNT
    assert list(dataset.labels()) == texts(COUNT)
    for i in range(COUNT):
        sample = dataset.sample(i)
        assert sample.image == (root.parent / f"images/labels.txt_{i}.jpg").read_bytes()
        assert (sample.label, sample.name) == (texts(COUNT)[i], f"labels.txt:{i + 1}")
    assert dataset.sizes.dtype == np.int32
    assert dataset.sizes.tolist() == [[24 + 7 * (i % 20), 20] for i in range(COUNT)]
    assert len(set(dataset.checksums.tolist())) == COUNT
    assert not dataset.resample(3)


@pytest.mark.parametrize("i", [-1, COUNT])
def test_there_is_nothing_beyond_the_ends(root: Path, i: int) -> None:
    with pytest.raises(IndexError):
        LmdbDataset(root).sample(i)


def read_all(dataset: LmdbDataset) -> list[str]:
    return [dataset.sample(i).label for i in range(len(dataset))]


def test_threads_share_a_data_set(root: Path) -> None:
    datasets = [LmdbDataset(root), LmdbDataset(root)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_all, datasets * 8))
    assert found == [texts(COUNT)] * 16


def test_a_forked_child_opens_its_own(root: Path) -> None:
    dataset, other = LmdbDataset(root), LmdbDataset(root)
    assert read_all(dataset) == read_all(other)
    child = os.fork()
    if child == 0:
        try:
            good = read_all(dataset) == texts(COUNT) == read_all(other) == read_all(dataset)
            os._exit(0 if good else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read_all(dataset) == texts(COUNT)


def test_another_process_gets_a_path_and_opens_its_own(root: Path) -> None:
    dataset = LmdbDataset(root)
    assert len(pickle.dumps(dataset)) < 500
    assert pickle.loads(pickle.dumps(dataset)) is pickle.loads(pickle.dumps(dataset))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(read_all, dataset).result() == texts(COUNT)


def test_a_data_set_packed_again_is_not_mixed_with_the_old_one(root: Path) -> None:
    old = LmdbDataset(root)
    assert old.sample(0).label == texts(1)[0]
    sent = pickle.dumps(old)
    pack(write_lines(root.parent, ["new", "newer"]), root.parent, root)
    assert read_all(LmdbDataset(root)) == ["new", "newer"]
    assert old.sample(0).label == texts(1)[0]  # the old file lives while it is open
    with pytest.raises(LmdbError, match="packed again while it was in use"):
        pickle.loads(sent)


def test_a_truncated_file_is_refused_before_it_is_opened(root: Path) -> None:
    path = root / "shard-00001/data.mdb"
    opened = LmdbDataset(root)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(LmdbError, match=r"shard-00001/data\.mdb: [\d,]+ bytes instead of"):
        LmdbDataset(root)
    with pytest.raises(LmdbError, match="cut short"):
        opened.sample(12)


def test_a_changed_image_is_refused_and_the_others_are_read(root: Path) -> None:
    flip_image(root, 3)
    dataset = LmdbDataset(root)
    with pytest.raises(LmdbError, match=r"data\.mdb sample 4: the image's checksum"):
        dataset.sample(3)
    assert dataset.sample(4).label == texts(5)[4]


def garble(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).write_text('{"format": "ocr-lmdb-1"}')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove("manifest.json"), r"no manifest\.json"),
        (garble("manifest.json"), "not a manifest"),
        (lambda root: (root / "manifest.json").write_text('{"format": 9}'), "format 9"),
        (remove("shard-00002/data.mdb"), "missing"),
        (remove("shard-00002/samples.npy"), "missing"),
        (garble("shard-00002/samples.npy"), "instead of"),
        (lambda root: flip(root / "shard-00002/samples.npy", 140), "changed after packing"),
        (lambda root: shutil.rmtree(root), "no data set here"),
    ],
)
def test_an_incomplete_data_set_is_refused(
    root: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(root)
    with pytest.raises(LmdbError, match=message):
        LmdbDataset(root)


def test_a_changed_label_is_refused_and_the_others_are_read(root: Path) -> None:
    flip_label(root, 3)
    dataset = LmdbDataset(root)
    with pytest.raises(LmdbError, match=r"data\.mdb sample 4: the label's checksum"):
        dataset.sample(3)
    assert dataset.sample(4).label == texts(5)[4]
    with pytest.raises(LmdbError, match=r"data\.mdb sample 4: the label's checksum"):
        list(dataset.labels())


def test_a_label_that_is_gone_does_not_move_the_others(root: Path) -> None:
    path = root / "shard-00000/data.mdb"
    record = b"label-000000004" + texts(4)[3].encode()
    path.write_bytes(path.read_bytes().replace(record, record.replace(b"4", b"9", 1)))
    with pytest.raises(LmdbError, match="sample 4: the label is missing"):
        list(LmdbDataset(root).labels())


def test_a_data_set_without_checksums_of_labels_is_read(root: Path) -> None:
    """As version 1 of the format has it: other tables, another name, the same digest as then."""
    manifest = json.loads((root / "manifest.json").read_text())
    manifest["format"] = "ocr-lmdb-1"
    for shard in manifest["shards"]:
        path = root / shard["name"] / "samples.npy"
        table = np.load(path)
        np.save(path, np.array([tuple(row)[:5] for row in table], SAMPLE))
        shard["files"]["samples.npy"] = asdict(ShardFile.of(path))
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (root / "manifest.json").write_text(text)
    flip_label(root, 3)
    dataset = LmdbDataset(root)
    assert dataset.manifest.digest == hashlib.sha256(text.encode()).hexdigest()
    assert len(read_all(dataset)) == COUNT
    assert dataset.sample(3).label != texts(4)[3]
    assert read_all(dataset)[4:] == texts(COUNT)[4:]
