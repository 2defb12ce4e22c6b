"""Validation during training: the metrics of the whole, of whatever part each rank reads."""

import numpy as np
import pytest

from ocr_lib.data.concat import Selection
from ocr_lib.evaluation.metrics import EPS, RecMetric
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.validation import build_evaluation, merged
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network
from tests.ocr_lib.memory_dataset import MemoryDataset, drawn

TEXTS = ["cab 12", "f", "abc", "d"]
LABELS = ["cab 12", "f", "abd", "d"]


class Rank(Parallel):
    """One of several processes; sums come from what each rank handed in."""

    def __init__(self, rank: int, world_size: int, handed_in: list[list[float]]) -> None:
        self.rank = rank
        self.world_size = world_size
        self._handed_in = handed_in

    def all_reduce_sums(self, values: list[float]) -> list[float]:  # type: ignore[override]
        self._handed_in.append(list(values))
        return [sum(column) for column in zip(*self._handed_in, strict=True)]


def evaluation(parallel: Parallel, dataset: MemoryDataset, metric: RecMetric) -> dict[str, float]:
    recognizer = Recognizer(PREPROCESS, DICTIONARY, network)
    return build_evaluation(recognizer, dataset, metric, parallel)()


def test_it_has_paddleocrs_metrics_and_a_speed() -> None:
    values = evaluation(Parallel(), drawn(TEXTS, LABELS), RecMetric())
    assert values["acc"] == pytest.approx(3 / (4 + EPS))
    assert values["norm_edit_dis"] == pytest.approx(1 - (1 / 3) / (4 + EPS))
    assert values["fps"] > 0


def test_spaces_count_where_the_metric_says_so() -> None:
    dataset = drawn(["ab"], ["a b"])
    assert evaluation(Parallel(), dataset, RecMetric(ignore_space=True))["acc"] > 0.99
    assert evaluation(Parallel(), dataset, RecMetric(ignore_space=False))["acc"] == 0.0


@pytest.mark.parametrize("world_size", [2, 3, 6])
def test_ranks_together_have_the_metrics_of_one(world_size: int) -> None:
    """The last of them has the sums of all; some read nothing."""
    alone = evaluation(Parallel(), drawn(TEXTS, LABELS), RecMetric())
    handed_in: list[list[float]] = []
    for rank in range(world_size):
        values = evaluation(Rank(rank, world_size, handed_in), drawn(TEXTS, LABELS), RecMetric())
    assert values["acc"] == alone["acc"]
    assert values["norm_edit_dis"] == pytest.approx(alone["norm_edit_dis"])


def test_one_process_keeps_its_values() -> None:
    values = merged({"acc": 0.25, "norm_edit_dis": 0.5}, 8, 2.0, Parallel())
    assert values == {"acc": 0.25, "norm_edit_dis": 0.5, "fps": 4.0}


def test_shares_are_the_whole_and_do_not_overlap():
    dataset = MemoryDataset([(b"%d" % i, str(i)) for i in range(7)])
    shares = [Selection(dataset, np.arange(rank, len(dataset), 3)) for rank in range(3)]
    assert [list(share.labels()) for share in shares] == [
        ["0", "3", "6"],
        ["1", "4"],
        ["2", "5"],
    ]
    for share in shares:
        assert [share.sample(i).label for i in range(len(share))] == list(share.labels())
        assert len(share.sizes) == len(share.checksums) == len(share)
