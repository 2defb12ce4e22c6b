"""Counts over the samples of packed data sets."""

import json
from collections import Counter
from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.base import SAMPLE
from ocr_lib.data.lmdb_store.statistics import EXAMPLES, Dropped, Statistics, count_samples

counts = st.integers(1, 10**6)
dropped = st.builds(
    lambda names: Dropped(len(names), names[:EXAMPLES]), st.lists(st.text(), min_size=1)
)
statistics = st.builds(
    Statistics,
    st.integers(0, 10**9),
    st.dictionaries(st.characters(exclude_categories=["Cs"]), counts).map(Counter),
    st.dictionaries(st.integers(1, 99), counts).map(Counter),
    st.dictionaries(st.integers(1, 99).map(lambda n: 32 * n), counts).map(Counter),
    st.dictionaries(st.text(min_size=1), dropped, max_size=3),
)


def table(*sizes: tuple[int, int]) -> np.ndarray:
    return np.array([(1, 2, *size, 3) for size in sizes], SAMPLE)


def test_samples_are_counted_by_character_length_and_width() -> None:
    found = count_samples(
        table((32, 32), (33, 32), (64, 64), (200, 100)), ["ab", "b", "bé", ""], {}
    )
    assert found.samples == 4
    assert found.characters == {"a": 1, "b": 3, "é": 1}
    assert found.lengths == {2: 2, 1: 1, 0: 1}
    assert found.widths == {32: 2, 64: 2}  # each as of a line 32 px high


@given(statistics)
def test_json_gives_them_back(value: Statistics) -> None:
    assert Statistics.from_dict(json.loads(json.dumps(value.to_dict()))) == value


@given(statistics, statistics)
def test_merging_adds_up_and_keeps_the_first_examples(one: Statistics, other: Statistics) -> None:
    total = Statistics.from_dict(one.to_dict())
    total.merge(other)
    assert total.samples == one.samples + other.samples
    assert total.characters == one.characters + other.characters
    assert total.lengths == one.lengths + other.lengths
    assert total.widths == one.widths + other.widths
    assert total.dropped_samples == one.dropped_samples + other.dropped_samples
    for reason, found in total.dropped.items():
        parts = [part.dropped[reason].examples for part in (one, other) if reason in part.dropped]
        assert found.examples == list(chain(*parts))[:EXAMPLES]


def test_equal_counts_give_equal_bytes() -> None:
    one = Statistics(characters=Counter("ab"), dropped={"x": Dropped(1), "a": Dropped(1)})
    other = Statistics(characters=Counter("ba"), dropped={"a": Dropped(1), "x": Dropped(1)})
    assert json.dumps(one.to_dict()) == json.dumps(other.to_dict())


def test_the_first_examples_are_kept() -> None:
    reason = Dropped()
    for i in range(EXAMPLES + 5):
        reason.add(str(i))
    assert reason.count == EXAMPLES + 5
    assert reason.examples == [str(i) for i in range(EXAMPLES)]
