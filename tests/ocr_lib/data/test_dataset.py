"""What a configuration's Train and Eval blocks open, against PaddleOCR's meaning of them."""

import json
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lmdb
import numpy as np
import pytest

from ocr_lib.data.dataset import Dataset, open_dataset, open_lmdb
from ocr_lib.data.decode import MAX_BYTES
from ocr_lib.data.lmdb_store import LmdbDataset, pack
from ocr_lib.errors import ConfigError, DataError, ImageError, LabelError, LmdbError
from tests.ocr_lib.data.lines import image, texts, write_lines


def split(kind: str = "SimpleDataSet", **dataset: Any) -> SimpleNamespace:
    defaults = {"data_dir": "./", "label_file_list": (), "ratio_list": (1.0,), "delimiter": "\t"}
    return SimpleNamespace(dataset=SimpleNamespace(kind=kind, **defaults | dataset))


def simple(folder: Path, *lists: Path, **dataset: Any) -> Dataset:
    ratios = dataset.pop("ratio_list", (1.0,) * len(lists))
    files = tuple(map(str, lists))
    return open_dataset(
        split(data_dir=str(folder), label_file_list=files, ratio_list=ratios, **dataset)
    )


def write_plain(directory: Path, labels: list[str], damage: int | None = None) -> None:
    """Packs as deep-text-recognition-benchmark does; the image of row `damage` is left out."""
    directory.mkdir(parents=True)
    environment = lmdb.open(str(directory), map_size=1 << 24)
    with environment.begin(write=True) as transaction:
        for i, label in enumerate(labels, start=1):
            if i - 1 != damage:
                transaction.put(b"image-%09d" % i, image(i, width=30 + i))
            transaction.put(b"label-%09d" % i, label.encode())
        transaction.put(b"num-samples", str(len(labels)).encode())
    environment.close()


def test_label_lists_are_read_one_after_the_other(tmp_path: Path) -> None:
    first = write_lines(tmp_path, ["a", "b"], "first.txt")
    second = write_lines(tmp_path, ["c", "d", "e"], "second.txt")
    dataset = simple(tmp_path, first, second)
    assert list(dataset.labels()) == ["a", "b", "c", "d", "e"]
    assert [dataset.sample(i).label for i in range(5)] == ["a", "b", "c", "d", "e"]
    assert dataset.sample(3).name == "images/second.txt_1.jpg"
    assert dataset.sizes.tolist() == [[24, 20], [31, 20], [24, 20], [31, 20], [38, 20]]
    assert dataset.keys[0] == dataset.keys[2] != dataset.keys[1]
    assert not dataset.resample(1)
    with pytest.raises(IndexError):
        dataset.sample(5)


def test_one_of_several_images_is_drawn_and_the_first_without_a_generator(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", "c"])
    paths = [f"images/labels.txt_{i}.jpg" for i in range(3)]
    labels.write_text(f"{json.dumps(paths)}\ttext\n")
    dataset = simple(tmp_path, labels)
    assert {dataset.sample(0).name for _ in range(20)} == {paths[0]}
    rng = np.random.default_rng(0)
    assert {dataset.sample(0, rng).name for _ in range(60)} == set(paths)


def test_a_missing_image_is_an_error_of_its_own_line(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", "c"])
    (tmp_path / "images/labels.txt_1.jpg").unlink()
    dataset = simple(tmp_path, labels)
    assert dataset.sizes[1].tolist() == [0, 0]
    assert dataset.keys[1] == 0
    assert (dataset.sample(0).label, dataset.sample(2).label) == ("a", "c")
    with pytest.raises(ImageError, match=r"labels\.txt:2: .*labels\.txt_1\.jpg cannot be read"):
        dataset.sample(1)


def test_undecodable_images_have_no_size(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "images/labels.txt_0.jpg").write_text("text")
    assert simple(tmp_path, labels).sizes.tolist() == [[0, 0]]


def test_formats_that_are_not_accepted_have_no_size(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "images/labels.txt_0.jpg").write_bytes(image(0, 33, 21, ".tiff"))
    assert simple(tmp_path, labels).sizes.tolist() == [[0, 0]]


def test_a_size_beyond_every_limit_is_no_size(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    bomb = bytearray(image(0, 33, 21, ".png"))
    bomb[16:24] = b"\xff" * 8  # 2**32 - 1 px wide and high
    (tmp_path / "images/labels.txt_0.jpg").write_bytes(bomb)
    assert simple(tmp_path, labels).sizes.tolist() == [[0, 0]]


def test_reading_an_image_is_bounded(tmp_path: Path) -> None:
    """Also where its name leads to what has no end, or to a pipe that nothing is written to."""
    labels = write_lines(tmp_path, ["a", "b"])
    endless, pipe = (tmp_path / f"images/labels.txt_{i}.jpg" for i in (0, 1))
    endless.unlink()
    endless.symlink_to("/dev/zero")
    pipe.unlink()
    os.mkfifo(pipe)
    dataset = simple(tmp_path, labels)
    assert dataset.sizes.tolist() == [[0, 0], [0, 0]]
    assert len(dataset.sample(0).image) == MAX_BYTES + 1
    assert dataset.sample(1).image == b""


def test_absolute_paths_and_other_delimiters_are_taken_as_they_are(tmp_path: Path) -> None:
    write_lines(tmp_path, ["a"])
    labels = tmp_path / "absolute.txt"
    labels.write_text(f"{tmp_path}/images/labels.txt_0.jpg some text\n")
    assert simple(Path("/nowhere"), labels, delimiter=" ").sample(0).label == "some"


def test_a_ratio_takes_its_share_and_resampling_draws_another(tmp_path: Path) -> None:
    first = write_lines(tmp_path, texts(40), "first.txt")
    second = write_lines(tmp_path, ["x", "y"], "second.txt")
    dataset = simple(tmp_path, first, second, ratio_list=(0.25, 1.0))
    drawn = list(dataset.labels())
    assert len(dataset) == len(drawn) == 12
    assert drawn[-2:] == ["x", "y"]
    assert drawn[:-2] == sorted(drawn[:-2], key=texts(40).index)
    assert [dataset.sample(i).label for i in range(12)] == drawn
    assert len(dataset.sizes) == len(dataset.keys) == 12
    assert list(simple(tmp_path, first, second, ratio_list=(0.25, 1.0)).labels()) == drawn
    assert dataset.resample(1)
    assert list(dataset.labels()) != drawn
    assert list(pickle.loads(pickle.dumps(dataset)).labels()) == list(dataset.labels())


def test_a_list_that_changed_is_not_opened_in_another_process(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b"])
    sent = pickle.dumps(simple(tmp_path, labels))
    assert len(sent) < 500
    assert pickle.loads(sent) is pickle.loads(sent)
    labels = write_lines(tmp_path, ["c"], "changed.txt")
    sent = pickle.dumps(simple(tmp_path, labels))
    os.utime(labels, ns=(1, 1))
    with pytest.raises(DataError, match="changed while it was in use"):
        pickle.loads(sent)


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


def test_a_plain_lmdb_with_a_missing_record(tmp_path: Path) -> None:
    write_plain(tmp_path / "data", ["a", "b", "c"], damage=1)
    dataset = open_lmdb(tmp_path / "data")
    assert dataset.sizes[1].tolist() == [0, 0]
    assert list(dataset.labels()) == ["a", "", "c"]
    with pytest.raises(LmdbError, match="sample 2: the record is missing"):
        dataset.sample(1)
    assert pickle.loads(pickle.dumps(dataset)).sample(2).label == "c"


@pytest.mark.parametrize("share", [0.9, 0.5, 0.01, 0.0])
def test_a_truncated_plain_lmdb_is_refused_before_it_is_opened(
    tmp_path: Path, share: float
) -> None:
    write_plain(tmp_path / "data", texts(50))
    path = tmp_path / "data/data.mdb"
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(LmdbError, match=r"cut short|not an LMDB"):
        open_lmdb(tmp_path / "data")


def test_other_lmdb_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text/data.mdb").write_text("text" * 3000)
    with pytest.raises(LmdbError, match=r"not an LMDB 0\.9 file"):
        open_lmdb(tmp_path / "text")
    environment = lmdb.open(str(tmp_path / "other"))
    with environment.begin(write=True) as transaction:
        transaction.put(b"key", b"value")
    environment.close()
    with pytest.raises(LmdbError, match="without num-samples"):
        open_lmdb(tmp_path / "other")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (b"-3", "num-samples is '-3', not a count"),
        (b"three", "num-samples is 'three', not a count"),
        (b"", "num-samples is '', not a count"),
        (b"999999999999", "num-samples is 999999999999, but there are 5 records in all"),
        (b"9" * 400, "not a count"),
    ],
)
def test_a_count_that_cannot_be_is_named(tmp_path: Path, count: bytes, said: str) -> None:
    write_plain(tmp_path / "plain", ["a", "b"])
    environment = lmdb.open(str(tmp_path / "plain"))
    with environment.begin(write=True) as transaction:
        transaction.put(b"num-samples", count)
    environment.close()
    with pytest.raises(LmdbError) as error:
        open_lmdb(tmp_path / "plain")
    assert error.value.cause.startswith(said) or said in error.value.cause
    assert "Pack the labels again" in error.value.fix
