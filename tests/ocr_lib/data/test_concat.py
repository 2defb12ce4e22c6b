"""Several data sets as one, and a share of one."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.concat import Concat, Selection, Subset, every_label
from ocr_lib.data.list_dataset import ListDataset
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.memory_dataset import MemoryDataset


@pytest.fixture
def ten(tmp_path: Path) -> ListDataset:
    return ListDataset(write_lines(tmp_path, texts(10)), tmp_path)


@pytest.fixture
def two(tmp_path: Path) -> ListDataset:
    return ListDataset(write_lines(tmp_path, ["x", "y"], "two.txt"), tmp_path)


def labels(dataset: Concat | Selection) -> list[str]:
    return [dataset.sample(i).label for i in range(len(dataset))]


def test_parts_follow_each_other(ten: ListDataset, two: ListDataset) -> None:
    both = Concat([two, ten, two])
    expected = ["x", "y", *texts(10), "x", "y"]
    assert len(both) == 14
    assert list(both.labels()) == labels(both) == expected
    assert both.sizes.tolist() == [*two.sizes.tolist(), *ten.sizes.tolist(), *two.sizes.tolist()]
    assert both.checksums.tolist() == [
        *two.checksums.tolist(),
        *ten.checksums.tolist(),
        *two.checksums.tolist(),
    ]


@pytest.mark.parametrize("i", [-1, 12])
def test_there_is_nothing_beyond_the_ends(ten: ListDataset, two: ListDataset, i: int) -> None:
    with pytest.raises(IndexError, match=f"sample {i} of 12"):
        Concat([ten, two]).sample(i)


def test_a_selection_takes_its_positions(ten: ListDataset) -> None:
    chosen = Selection(ten, np.array([1, 4, 9]))
    assert list(chosen.labels()) == labels(chosen) == [texts(10)[i] for i in (1, 4, 9)]
    assert chosen.sizes.tolist() == ten.sizes[[1, 4, 9]].tolist()
    assert chosen.checksums.tolist() == ten.checksums[[1, 4, 9]].tolist()
    assert not chosen.resample(1)


@pytest.mark.parametrize(("ratio", "count"), [(0.0, 0), (0.25, 2), (0.5, 5), (1.0, 10)])
def test_a_share_is_drawn_without_repeats_in_order(
    ten: ListDataset, ratio: float, count: int
) -> None:
    drawn = labels(Subset(ten, ratio))
    assert len(drawn) == len(set(drawn)) == count
    assert drawn == sorted(drawn, key=texts(10).index)


def test_epoch_and_seed_decide_what_is_drawn(ten: ListDataset) -> None:
    draws = {(e, s): tuple(labels(Subset(ten, 0.5, e, s))) for e in range(4) for s in range(4)}
    assert len(set(draws.values())) > 12
    assert labels(Subset(ten, 0.5, 2, 3)) == list(draws[2, 3])
    share = Subset(ten, 0.5, seed=3)
    assert share.resample(2)
    assert labels(share) == list(draws[2, 3])


def test_another_process_draws_the_same(ten: ListDataset) -> None:
    share = Subset(ten, 0.5, seed=8)
    share.resample(3)
    assert labels(pickle.loads(pickle.dumps(share))) == labels(share)


def test_resampling_reaches_a_share_in_a_whole(ten: ListDataset, two: ListDataset) -> None:
    assert not Concat([ten, two]).resample(1)
    whole = Concat([two, Subset(ten, 0.5)])
    before = labels(whole)
    assert whole.resample(1)
    assert labels(whole)[:2] == before[:2]
    assert labels(whole) != before


def test_every_label_is_of_all_that_a_ratio_can_draw() -> None:
    all_texts = [str(i) for i in range(40)]
    share = Subset(MemoryDataset([(b"", text) for text in all_texts]), 0.25)
    both = Concat([share, MemoryDataset([(b"", "a"), (b"", "b")])])
    assert len(list(both.labels())) == 12
    assert sorted(every_label(both)) == sorted([*all_texts, "a", "b"])
    assert both.resample(3)
    assert sorted(every_label(both)) == sorted([*all_texts, "a", "b"])
