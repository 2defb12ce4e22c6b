"""Checking a packed data set: which file and which sample is damaged."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.lmdb_store import verify
from ocr_lib.errors import LmdbError
from tests.ocr_lib.data.lmdb_store.damage import COUNT, flip, flip_image, flip_label, remove
from tests.ocr_lib.data.opened import write_plain


def test_verify_finds_nothing_in_a_good_data_set(root: Path) -> None:
    report = verify(root)
    assert (report.shards, report.samples, report.problems) == (3, COUNT, ())


def test_verify_names_damaged_samples(root: Path) -> None:
    flip_image(root, 3)
    flip_image(root, 7)
    changed, first, second = verify(root).problems
    assert "content was changed after packing" in changed
    assert "data.mdb sample 4: " in first
    assert "data.mdb sample 8: " in second


def test_verify_names_samples_with_other_labels(root: Path) -> None:
    flip_label(root, 5)
    changed, named = verify(root).problems
    assert "content was changed after packing" in changed
    assert "data.mdb sample 6: " in named


def test_verify_reads_what_other_tools_packed(tmp_path: Path) -> None:
    write_plain(tmp_path / "plain", ["a", "b", "c"], damage=1)
    report = verify(tmp_path / "plain")
    assert (report.shards, report.samples) == (1, 3)
    assert [problem.endswith("sample 2: the image is missing") for problem in report.problems] == [
        True
    ]
    with pytest.raises(LmdbError, match="no data set here"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: os.truncate(root / "shard-00000/data.mdb", 4096), "4,096 bytes instead of"),
        (remove("shard-00001/data.mdb"), "missing"),
        (lambda root: flip(root / "shard-00001/samples.npy", 140), "changed after packing"),
        (lambda root: shutil.copytree(root / "shard-00000", root / "old"), "not in the manifest"),
    ],
)
def test_verify_finds_other_damage(
    root: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(root)
    (problem,) = verify(root).problems
    assert message in problem


def test_verify_survives_any_damage_of_the_index(root: Path) -> None:
    """In a child each, since a broken page could end the process."""
    path = root / "shard-00000/data.mdb"
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(12):
        page = 4096 * int(rng.integers(0, len(whole) // 4096))
        flip(path, page + int(rng.integers(0, 40)), 4)
        child = os.fork()
        if child == 0:
            os._exit(0 if verify(root).problems else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        path.write_bytes(whole)
