"""What a run leaves in `build/faults.json` and on the page, by what it ran and how it ended."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cases import Record
from tests.faults.known import KNOWN
from tests.faults.report import MEANINGS, NO_CASE, Session, table, write_reports

EVERY = tuple(MEANINGS)


def session(*kinds: str, tried: int = 3, **changes: Any) -> Session:
    records = {(kind, "test_one[a]"): Record(tried=tried, states={"x"}) for kind in kinds}
    values: dict[str, Any] = {"failed": {}, "partial": False, "passed": True, "asked": False}
    return Session(records, **{**values, **changes})


class Reports:
    def __init__(self, folder: Path) -> None:
        self.out, self.page = folder / "faults.json", folder / "page.md"

    def write(self, ran: Session) -> None:
        write_reports(ran, self.out, self.page)

    def tried(self) -> dict[str, int]:
        counts = json.loads(self.out.read_text("utf-8")) if self.out.exists() else {}
        return {kind: counted["tried"] for kind, counted in counts.items()}


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path)


def test_a_whole_run_that_passed_writes_the_page(reports: Reports) -> None:
    reports.write(session(*EVERY))
    assert reports.tried() == dict.fromkeys(EVERY, 3)
    page = reports.page.read_text("utf-8")
    assert "| store | 3 | 1 | 0 | 0 |" in page
    assert "Tried: a 3." in page


def test_a_run_of_one_kind_leaves_the_page_and_the_counts_of_others(reports: Reports) -> None:
    reports.write(session(*EVERY))
    page = reports.page.read_text("utf-8")
    reports.write(session("store", tried=9))
    assert reports.tried() == {**dict.fromkeys(EVERY, 3), "store": 9}
    assert reports.page.read_text("utf-8") == page


def test_the_last_run_of_a_kind_replaces_all_of_its_counts(reports: Reports) -> None:
    reports.write(Session({("kill", "test_gone"): Record(tried=5)}, {}, False, True, False))
    reports.write(session("kill"))
    assert reports.tried() == {"kill": 3}


def test_single_tests_and_cases_leave_nothing(reports: Reports) -> None:
    reports.write(session(*EVERY, partial=True, asked=True))
    assert reports.tried() == {}
    assert not reports.page.exists()


def test_the_page_of_one_kind_can_be_asked_for(reports: Reports) -> None:
    reports.write(session("kill"))
    assert not reports.page.exists()
    reports.write(session("store", asked=True))
    page = reports.page.read_text("utf-8")
    assert "## kill" in page
    assert "## store" in page
    assert "## canary" not in page


def test_a_run_that_failed_writes_no_page(reports: Reports) -> None:
    failed = {"serving": ["test_one[a]", "test_without_cases"]}
    reports.write(session(*EVERY, failed=failed, passed=False, asked=True))
    assert not reports.page.exists()
    counts = json.loads(reports.out.read_text("utf-8"))["serving"]
    assert counts["bad_cases"] == {"test_one[a]": NO_CASE, "test_without_cases": NO_CASE}
    reports.write(session("store", asked=True))  # what failed before is in the counts
    assert not reports.page.exists()


def test_a_known_case_is_counted_bad_and_shown(reports: Reports) -> None:
    pattern, why = next(iter(KNOWN.items()))
    ran = session(*EVERY)
    ran.records["canary", "test_one[a]"].bad[pattern] = "leaked"
    reports.write(ran)
    page = reports.page.read_text("utf-8")
    assert "| canary | 3 | 1 | 1 | 0 |" in page
    assert f"- canary: known: {why} (1 case)" in page


def test_the_table_shows_what_ran() -> None:
    assert table(session("gone", "store").counts).splitlines()[2:] == ["| store | 3 | 1 | 0 | 0 |"]
