import time

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_lib.evaluation.latency import LatencyAndSize, measure_latency
from ocr_lib.inference.recognizer import Recognizer
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png


class Counted:
    """Counts calls; sleeps a while in each."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls: list[float] = []

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.calls.append(time.perf_counter())
        time.sleep(self.seconds)
        return network(batch)


def test_models_take_turns_image_by_image() -> None:
    slow, fast = Counted(0.004), Counted(0.0)
    readers = [Recognizer(PREPROCESS, DICTIONARY, forward) for forward in (slow, fast)]
    mine, theirs = measure_latency(*readers, [png("abc"), png("a1")], rounds=3)
    assert len(slow.calls) == len(fast.calls) == 8  # a round to warm up
    order = sorted((t, who) for who, one in ((0, slow), (1, fast)) for t in one.calls)
    assert all({who for _, who in order[i : i + 2]} == {0, 1} for i in range(0, 16, 2))
    assert mine >= 4.0  # ms, slept
    assert theirs > 0.0


def test_ratios() -> None:
    costs = LatencyAndSize(3.0, 2.0, 300, 200)
    assert (costs.latency_ratio, costs.size_ratio) == (1.5, 1.5)
    assert LatencyAndSize.from_dict(costs.to_dict()) == costs
    assert LatencyAndSize(1.0, 0.0, 1, 0).size_ratio == pytest.approx(1.0)
