"""Pairs of equal checksums are those that a dictionary of all would give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data import equal_images
from ocr_lib.data.equal_images import repeated, shared_with

keys = st.lists(st.integers(0, 12), max_size=60)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equal_images, "CHUNK", 7)


def first_positions(values: list[int]) -> dict[int, int]:
    first: dict[int, int] = {}
    for position, value in enumerate(values):
        first.setdefault(value, position)
    return first


@given(keys, keys)
def test_what_is_in_both_sets_is_named_by_its_first_position(
    before: list[int], after: list[int]
) -> None:
    first = first_positions(before)
    expected = [(i, first[key]) for i, key in enumerate(after) if key and key in first]
    assert shared_with(np.array(before, np.uint64), np.array(after, np.uint64)) == expected


@given(keys)
def test_what_occurs_again_is_named_by_its_first_position(values: list[int]) -> None:
    first = first_positions(values)
    expected = [(i, first[key]) for i, key in enumerate(values) if key and first[key] != i]
    assert list(repeated(np.array(values, np.uint64))) == expected


def test_checksums_of_64_bits_are_told_apart() -> None:
    large = np.array([2**63 + 1, 2**63, 2**63 + 1], np.uint64)
    assert list(repeated(large)) == [(2, 0)]
    assert shared_with(large, large[1:2]) == [(0, 1)]
