"""The samples that training uses."""

import hashlib
import pickle

import numpy as np
import pytest

from ocr_lib.data.loading import sample_table
from ocr_lib.data.loading.sample_table import SampleTable
from ocr_lib.data.positions import Positions


def table(widths: list[int], left_out: list[int], steps: dict[int, int]) -> SampleTable:
    usable = Positions(len(widths), np.array(left_out, np.int64))
    return SampleTable(np.array(widths, np.int32), usable, steps, 64)


TABLE = table([32, 64, 96], [1], {32: 8})


def test_equal_plans_have_equal_digests() -> None:
    assert table([32, 64, 96], [1], {}).digest == TABLE.digest


def test_what_decides_the_batches_is_in_the_digest() -> None:
    others = [
        table([32, 64, 64], [1], {}),
        table([32, 64, 96], [2], {}),
        table([32, 64, 96], [], {}),
    ]
    assert len({TABLE.digest, *(other.digest for other in others)}) == 4


def test_the_digest_is_that_of_runs_of_version_0_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that it began is resumed on the same samples only."""
    monkeypatch.setattr(sample_table, "DIGESTED", 2)
    many = table([32] * 9, [4], {})
    content = many.widths.tobytes() + np.array([0, 1, 2, 3, 5, 6, 7, 8], np.int64).tobytes()
    assert many.digest == hashlib.sha256(content).hexdigest()


def test_what_is_sent_to_workers_does_not_grow_with_the_samples() -> None:
    large = table([32] * 100_000, [7], {32: 8})
    assert len(pickle.dumps(large.learnable)) < 2000
    assert large.learnable.usable[7] == 8
