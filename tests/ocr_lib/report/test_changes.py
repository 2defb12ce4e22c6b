from ocr_lib.report.changes import Change, Changes
from tests.ocr_lib.report.page_reports import models


def test_a_change_is_said_with_its_interval() -> None:
    change = Changes(*models()).of(("class", "upper case"), "accuracy")
    assert change is not None
    assert change.words() == "−100.00 points (−100.00 to −100.00)"


def test_without_a_champion_there_is_none() -> None:
    candidate, _ = models()
    assert not Changes(candidate, None)
    assert Changes(candidate, None).of() is None


def test_the_whole_interval_says_whether_it_is_better_or_worse() -> None:
    assert Change(-0.2, -0.3, -0.1).kind == "worse"
    assert Change(0.2, 0.1, 0.3).kind == "better"
    assert Change(0.1, -0.1, 0.3).kind == "even"


def test_the_scale_reaches_to_the_furthest_end() -> None:
    changes = Changes(*models())
    assert changes.reach([("class", "upper case")]) == 1.0
    assert changes.reach([("class", "no such slice")]) == 0.01
