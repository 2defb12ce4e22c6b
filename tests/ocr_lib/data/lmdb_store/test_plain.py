"""LMDB folders that other tools packed."""

import os
import pickle
from collections.abc import Iterable
from pathlib import Path

import lmdb
import pytest

from ocr_lib.data.dataset import open_lmdb
from ocr_lib.data.lmdb_store.plain import PlainLmdb
from ocr_lib.errors import LmdbError
from tests.ocr_lib.data.lines import image, texts
from tests.ocr_lib.data.opened import write_plain


def test_a_plain_lmdb_with_a_missing_record(tmp_path: Path) -> None:
    write_plain(tmp_path / "data", ["a", "b", "c"], damage=1)
    dataset = open_lmdb(tmp_path / "data")
    assert dataset.sizes[1].tolist() == [0, 0]
    assert list(dataset.labels()) == ["a", "", "c"]
    with pytest.raises(LmdbError, match="sample 2: the image is missing"):
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


def write_records(directory: Path, records: dict[bytes, bytes]) -> Path:
    environment = lmdb.open(str(directory), map_size=1 << 24)
    with environment.begin(write=True) as transaction:
        for key, value in records.items():
            transaction.put(key, value)
    environment.close()
    return directory


def numbered(numbers: Iterable[int], count: int) -> dict[bytes, bytes]:
    images = {b"image-%09d" % i: image(i, width=30 + i) for i in numbers}
    labels = {b"label-%09d" % i: b"text" for i in numbers}
    return images | labels | {b"num-samples": b"%d" % count}


def faults(directory: Path) -> list[str]:
    dataset = PlainLmdb(directory)
    return [f"{i + 1}: {error.cause}" for i in range(len(dataset)) if (error := dataset.fault(i))]


@pytest.mark.parametrize(
    ("changes", "count", "expected"),
    [
        ({}, 5, ["4: the record is missing", "5: the record is missing"]),
        ({b"label-000000002": "한글".encode("cp949")}, 3, ["2: the label is not UTF-8: b'\\xc7"]),
        ({b"label-000000001": b""}, 3, ["1: the label is empty"]),
        ({b"image-000000003": b""}, 3, ["3: the image is empty"]),
        ({b"image-000000003": b"text"}, 3, ["3: not an image of a known format"]),
    ],
)
def test_each_fault_is_said_once_with_its_sample_and_cause(
    tmp_path: Path, changes: dict[bytes, bytes], count: int, expected: list[str]
) -> None:
    found = faults(write_records(tmp_path / "lmdb", numbered((1, 2, 3), count) | changes))
    assert len(found) == len(expected)
    assert all(one.startswith(other) for one, other in zip(found, expected, strict=True))


def test_samples_counted_from_zero_are_refused(tmp_path: Path) -> None:
    write_records(tmp_path / "lmdb", numbered((0, 1, 2), 3))
    with pytest.raises(LmdbError, match="its samples are counted from 0"):
        open_lmdb(tmp_path / "lmdb")


def test_samples_behind_the_count_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = open_lmdb(write_records(tmp_path / "lmdb", numbered(range(1, 6), 3)))
    assert isinstance(dataset, PlainLmdb)
    said = "num-samples is 3, and sample 4 is there as well: 2 samples are left out"
    assert [words.endswith(said) for words in dataset.left_out] == [True]
    assert said in caplog.text
    assert not PlainLmdb(write_records(tmp_path / "whole", numbered((1, 2), 2))).left_out
