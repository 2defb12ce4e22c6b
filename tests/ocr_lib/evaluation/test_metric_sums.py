"""Sums over scored samples: spaces, slices, ranges of scores."""

import pytest

from ocr_lib.evaluation import metric_sums as module
from ocr_lib.evaluation.report import Spaces
from tests.ocr_lib.tallied import tallied


def test_spaces_are_counted_by_alignment() -> None:
    report = tallied(["a b c", "ab", "a b"], ["ab c", "a b", "a b"])
    assert report.spaces == Spaces(hits=2, truths=3, reads=3)
    assert report.spaces.precision == report.spaces.recall == pytest.approx(2 / 3)
    assert report.spaces.f1 == pytest.approx(2 / 3)
    assert tallied(["ab"], ["ab"]).spaces.f1 is None


def test_a_misplaced_space_is_no_hit() -> None:
    assert tallied(["ab cde"], ["abcd e"]).spaces.hits == 0


def test_slices_by_content() -> None:
    report = tallied(["abc", "A 1", "жук", "1-2", "日本"], ["abc", "A 1", "x", "1-2", "x"])
    assert {part.name: (part.samples, part.accuracy) for part in report.by_class} == {
        "digits": (2, 1.0),
        "letters": (4, 0.5),
        "lower case": (2, 0.5),
        "punctuation": (1, 1.0),
        "spaces": (1, 1.0),
        "upper case": (1, 1.0),
    }
    assert [part.name for part in report.by_script] == ["Cyrillic", "Han", "Latin"]
    assert report.by_source == ()  # all of one label list


def test_slices_by_source_are_bounded() -> None:
    truths = ["a"] * 40
    report = tallied(truths, truths, names=[f"scan-{i}/line.png" for i in range(40)])
    assert len(report.by_source) == 17
    assert {part.name: part.samples for part in report.by_source}["other"] == 24


def test_reliability_bins_scores() -> None:
    report = tallied(["a", "a", "a", "b"], ["a", "a", "b", None], scores=[0.98, 1.0, 0.52, 0.0])
    filled = {i: (b.lines, b.correct) for i, b in enumerate(report.reliability) if b.lines}
    assert filled == {10: (1, 0), 19: (2, 2)}
    assert report.calibration_error == pytest.approx((0.52 + (2 - 1.98)) / 3)


@pytest.mark.parametrize("flush", [1, 2, 4096])
def test_sums_do_not_depend_on_how_many_are_added_at_once(
    flush: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    truths, texts = ["a b", "cd", "e", "fgh", "i"] * 3, ["ab", "cd", None, "fgx", "i"] * 3
    scores = [0.5] * len(truths)  # their sums are exact
    expected = tallied(truths, texts, scores=scores)
    monkeypatch.setattr(module, "FLUSH", flush)
    assert tallied(truths, texts, scores=scores) == expected
