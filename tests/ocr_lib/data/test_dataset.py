"""What a configuration's Train and Eval blocks open, against PaddleOCR's meaning of them."""

import pickle
from pathlib import Path

import pytest

from ocr_lib.data.dataset import open_dataset, open_lmdb
from ocr_lib.data.lmdb_store import LmdbDataset, pack
from ocr_lib.errors import ConfigError, DataError, LabelError, LmdbError
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.data.opened import simple, split, write_plain


def test_label_lists_are_read_one_after_the_other(tmp_path: Path) -> None:
    first = write_lines(tmp_path, ["a", "b"], "first.txt")
    second = write_lines(tmp_path, ["c", "d", "e"], "second.txt")
    dataset = simple(tmp_path, first, second)
    assert list(dataset.labels()) == ["a", "b", "c", "d", "e"]
    assert [dataset.sample(i).label for i in range(5)] == ["a", "b", "c", "d", "e"]
    assert dataset.sample(3).name == "images/second.txt_1.jpg"
    assert dataset.sizes.tolist() == [[24, 20], [31, 20], [24, 20], [31, 20], [38, 20]]
    assert dataset.checksums[0] == dataset.checksums[2] != dataset.checksums[1]
    assert not dataset.resample(1)
    with pytest.raises(IndexError):
        dataset.sample(5)


def test_a_ratio_takes_its_share_and_resampling_draws_another(tmp_path: Path) -> None:
    first = write_lines(tmp_path, texts(40), "first.txt")
    second = write_lines(tmp_path, ["x", "y"], "second.txt")
    dataset = simple(tmp_path, first, second, ratio_list=(0.25, 1.0))
    drawn = list(dataset.labels())
    assert len(dataset) == len(drawn) == 12
    assert drawn[-2:] == ["x", "y"]
    assert drawn[:-2] == sorted(drawn[:-2], key=texts(40).index)
    assert [dataset.sample(i).label for i in range(12)] == drawn
    assert len(dataset.sizes) == len(dataset.checksums) == 12
    assert list(simple(tmp_path, first, second, ratio_list=(0.25, 1.0)).labels()) == drawn
    assert dataset.resample(1)
    assert list(dataset.labels()) != drawn
    assert list(pickle.loads(pickle.dumps(dataset)).labels()) == list(dataset.labels())


def test_nothing_to_open_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="label_file_list"):
        open_dataset(split())
    with pytest.raises(LabelError, match="no such label list"):
        simple(tmp_path, tmp_path / "none.txt")
    with pytest.raises(LmdbError, match=r"no manifest\.json and no data\.mdb"):
        open_lmdb(tmp_path)


def test_lmdb_folders_are_walked_in_order_without_hidden_ones(tmp_path: Path) -> None:
    write_plain(tmp_path / "data/b/plain", ["c", "d"])
    write_plain(tmp_path / "data/.ipynb_checkpoints", ["x"])
    (tmp_path / "data/empty").mkdir()
    pack(write_lines(tmp_path, ["a", "b"]), tmp_path, tmp_path / "data/a", shard_samples=1)
    dataset = open_dataset(split("LMDBDataSet", data_dir=str(tmp_path / "data")))
    assert list(dataset.labels()) == ["a", "b", "c", "d"]
    assert dataset.sample(3).label == "d"
    assert dataset.sample(3).name == "plain:2"
    assert dataset.sizes.tolist() == [[24, 20], [31, 20], [31, 20], [32, 20]]


def test_one_data_set_is_opened_as_such(tmp_path: Path) -> None:
    pack(write_lines(tmp_path, ["a"]), tmp_path, tmp_path / "out")
    assert isinstance(open_lmdb(tmp_path / "out"), LmdbDataset)


def test_a_ratio_counts_for_lmdb_too(tmp_path: Path) -> None:
    pack(write_lines(tmp_path, texts(10)), tmp_path, tmp_path / "out")
    half = split("LMDBDataSet", data_dir=str(tmp_path / "out"), ratio_list=(0.5,))
    assert len(open_dataset(half)) == 5


def test_an_unfinished_packing_is_refused(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", "c"])
    (tmp_path / "images/labels.txt_2.jpg").unlink()
    with pytest.raises(DataError):
        pack(labels, tmp_path, tmp_path / "out", shard_samples=2)
    with pytest.raises(LmdbError, match="packing did not finish"):
        open_lmdb(tmp_path / "out")
