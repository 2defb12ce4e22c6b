"""LMDB folders that other tools packed."""

import os
import pickle
from pathlib import Path

import lmdb
import pytest

from ocr_lib.data.dataset import open_lmdb
from ocr_lib.errors import LmdbError
from tests.ocr_lib.data.lines import texts
from tests.ocr_lib.data.opened import write_plain


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
