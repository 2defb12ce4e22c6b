import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from ocr_lib.evaluation.metrics import RecMetric, cer

PAIRS = st.lists(
    st.tuples(*[st.text(st.sampled_from("aB1 é\n-"), max_size=6)] * 2), min_size=1, max_size=20
)


def paddleocr_definition(pairs, ignore_space, is_filter):
    """RecMetric pair by pair, as its documentation and source define it."""
    correct, distance = 0, 0.0
    for prediction, target in pairs:
        texts = [prediction, target]
        if ignore_space:
            texts = [text.replace(" ", "") for text in texts]
        if is_filter:
            kept = string.digits + string.ascii_letters
            texts = ["".join(c for c in text if c in kept).lower() for text in texts]
        distance += Levenshtein.normalized_distance(*texts)
        correct += texts[0] == texts[1]
    samples = len(pairs) + 1e-5
    return {"acc": correct / samples, "norm_edit_dis": 1 - distance / samples}


@given(PAIRS, st.booleans(), st.booleans(), st.integers(1, 20))
def test_equals_paddleocrs_definition(pairs, ignore_space, is_filter, batch):
    metric = RecMetric(ignore_space, is_filter)
    for start in range(0, len(pairs), batch):
        part = pairs[start : start + batch]
        metric.update([p for p, _ in part], [t for _, t in part])
    expected = paddleocr_definition(pairs, ignore_space, is_filter)
    assert metric.summary() == pytest.approx(expected, rel=0, abs=1e-9)


def test_spaces_count_only_where_asked():
    lost, kept = RecMetric(), RecMetric(ignore_space=False)
    for metric in (lost, kept):
        metric.update(["TOTAL8.20"], ["TOTAL 8.20"])
    assert lost.summary()["acc"] == pytest.approx(1, abs=1e-4)
    assert kept.summary()["acc"] == 0


def test_nothing_added_and_reset():
    metric = RecMetric()
    assert metric.summary() == {"acc": 0.0, "norm_edit_dis": 1.0}
    metric.update(["a"], ["b"])
    metric.reset()
    metric.update([], [])
    assert metric.samples == 0


def test_lengths_must_match():
    with pytest.raises(ValueError, match="1 predictions for 2 targets"):
        RecMetric().update(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="1 predictions for 0 targets"):
        cer(["a"], [])


def test_character_error_rate():
    assert cer(["abc", "x"], ["abd", ""]) == pytest.approx(2 / 3)
    assert cer([], []) == 0.0
    assert cer(["ab"], [""]) == 2.0
