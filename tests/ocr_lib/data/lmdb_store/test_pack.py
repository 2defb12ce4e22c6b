"""Packing: what is written, what is dropped, and what survives a crash."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocr_lib.data.lmdb_store import LmdbDataset, pack, verify
from ocr_lib.errors import DataError, LabelError, LmdbError
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.data.lmdb_store.packed import add_line, bad_lines


def test_too_many_bad_samples_fail_and_leave_no_data_set(tmp_path: Path) -> None:
    labels = bad_lines(tmp_path)
    with pytest.raises(DataError, match=r"10 of 16 samples .* 1\.0% .*labels\.txt:5: images/none"):
        pack(labels, tmp_path, tmp_path / "out")
    assert json.loads((tmp_path / "out/report.json").read_text())["dropped"]
    with pytest.raises(LmdbError, match=r"no manifest\.json"):
        LmdbDataset(tmp_path / "out")


def test_no_samples_left_is_an_error_whatever_the_quota(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("none.jpg\ttext\n")
    with pytest.raises(DataError, match="1 of 1 samples are bad"):
        pack(labels, tmp_path, tmp_path / "out", max_bad_fraction=1.0)


def test_an_empty_or_malformed_list_is_refused_before_packing(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    with pytest.raises(LabelError, match="no such label list"):
        pack(labels, tmp_path, tmp_path / "out")
    labels.write_text("\n")
    with pytest.raises(DataError, match="has no lines"):
        pack(labels, tmp_path, tmp_path / "out")
    labels.write_text("images/a.jpg text\n")
    with pytest.raises(LabelError, match=r"labels\.txt:1"):
        pack(labels, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    add_line(write_lines(tmp_path, texts(3)), "images/a.jpg text")
    with pytest.raises(LabelError, match=r"labels\.txt:4"):
        pack(labels, tmp_path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_blank_lines_are_no_samples(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", ""])
    labels.write_text(labels.read_text(encoding="utf-8") + "\n" * 50)
    with pytest.raises(DataError, match="1 of 3 samples are bad"):
        pack(labels, tmp_path, tmp_path / "out", max_bad_fraction=0.2)


def test_a_wrong_image_folder_is_named(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    with pytest.raises(DataError, match="nowhere: no such folder"):
        pack(labels, tmp_path / "nowhere", tmp_path / "out")


def test_equal_inputs_give_equal_bytes_whoever_packs(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, texts(30))
    one = pack(labels, tmp_path, tmp_path / "one", shard_samples=8)
    two = pack(labels, tmp_path, tmp_path / "two", shard_samples=8, workers=2)
    assert one.digest == two.digest
    again = pack(labels, tmp_path, tmp_path / "one", shard_samples=8)
    assert again == one
    assert pack(labels, tmp_path, tmp_path / "one", shard_samples=10).digest != one.digest
    assert len(list((tmp_path / "one").glob("shard-*"))) == 3
    assert not verify(tmp_path / "one").problems


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.text(
            st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), min_size=1
        ).filter(str.strip),
        min_size=1,
        max_size=12,
    )
)
def test_labels_come_back_as_they_were(tmp_path: Path, labels: list[str]) -> None:
    path = write_lines(tmp_path, labels)
    pack(path, tmp_path, tmp_path / "out", shard_samples=5)
    dataset = LmdbDataset(tmp_path / "out")
    assert list(dataset.labels()) == labels
    assert [dataset.sample(i).label for i in range(len(dataset))] == labels
    assert np.array_equal(dataset.sizes[:, 1], [20] * len(labels))
