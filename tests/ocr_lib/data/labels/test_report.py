"""What a conversion reports, and when it fails."""

import json

import pytest

from ocr_lib.data.labels.report import MAX_EXAMPLES, MISSING_IMAGE, LabelReport
from ocr_lib.errors import LabelError


def report(lines: int = 100, written: int = 90) -> LabelReport:
    return LabelReport("gt.txt", "rec", "recognition labels", lines=lines, written=written)


def test_the_first_examples_are_kept_and_all_are_counted() -> None:
    found = report()
    for i in range(MAX_EXAMPLES + 4):
        found.drop("empty label", f"gt.txt:{i}", "x" * 500)
    finding = found.dropped["empty label"]
    assert finding.count == found.bad == MAX_EXAMPLES + 4
    assert [item["where"] for item in finding.examples] == [f"gt.txt:{i}" for i in range(5)]
    assert {len(item["text"]) for item in finding.examples} == {120}


def test_changes_are_no_bad_lines() -> None:
    found = report()
    found.change("CRLF line end replaced by LF", "gt.txt:1", "", 40)
    assert found.bad == 0
    found.check(0.0)


def test_the_quota_is_of_the_lines_and_inclusive() -> None:
    found = report()
    found.drop("empty label", "gt.txt:7", "", 10)
    found.check(0.1)
    message = r"gt\.txt:7: 10 of 100 lines .*more than the 9\.0% allowed: empty label 10"
    with pytest.raises(LabelError, match=message):
        found.check(0.09)


def test_the_worst_reason_gives_place_and_next_step() -> None:
    found = report()
    found.drop("empty label", "gt.txt:7", "")
    found.drop(MISSING_IMAGE, "gt.txt:9", "a.png", 5)
    with pytest.raises(LabelError, match=r"gt\.txt:9: ") as error:
        found.check(0.01)
    assert "missing image 5 (gt.txt:9 'a.png'), empty label 1" in error.value.cause
    assert "--images" in error.value.fix


def test_nothing_written_is_an_error_whatever_the_quota() -> None:
    with pytest.raises(LabelError, match="no samples in it"):
        report(0, 0).check(1.0)


def test_the_report_is_json() -> None:
    found = report()
    found.drop("empty label", "gt.txt:7", "é")
    value = json.loads(json.dumps(found.as_dict()))
    assert value["dropped"]["empty label"] == {
        "count": 1,
        "examples": [{"where": "gt.txt:7", "text": "é"}],
    }
    assert (value["lines"], value["written"], value["changed"]) == (100, 90, {})
