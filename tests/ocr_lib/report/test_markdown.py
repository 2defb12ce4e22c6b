from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Check, Verdict, decide
from ocr_lib.report.markdown import markdown
from tests.ocr_lib.report.page_reports import LIMITS, evaluated


@pytest.fixture
def candidate() -> EvalReport:
    return evaluated()


@pytest.mark.parametrize(("floor", "word"), [(0.2, "Accepted"), (0.9, "Refused")])
def test_verdict_is_said(candidate: EvalReport, floor: float, word: str) -> None:
    verdict = decide(candidate, None, replace(LIMITS, min_accuracy=floor))
    assert word in markdown(candidate, verdict).splitlines()[0]


def test_markdown_tables_are_tables(candidate: EvalReport) -> None:
    text = markdown(candidate, decide(candidate, candidate, LIMITS), candidate)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5, 4}
    assert "| lines read exactly | 25.00% | 25.00% | +0.00 points |" in rows


def test_names_in_the_markdown_verdict_are_shown_as_they_are(candidate: EvalReport) -> None:
    name = '<b>norm_edit_dis</b> [x](https://example.org) "|"'
    verdict = Verdict(
        False, (Check("norm_edit_dis drop", False, 0.1, 0.0, 0.2, f"fell in {name}"),)
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(candidate, verdict))
    cells = [token.children or [] for token in tokens if token.type == "inline"][-3:]
    assert {child.type for cell in cells for child in cell} <= {"text", "text_special"}
    words = ["".join(child.content for child in cell) for cell in cells]
    assert words == ["❌", "norm_edit_dis drop", f"fell in {name}"]


def test_a_champion_of_other_lines_is_left_out(candidate: EvalReport) -> None:
    other = replace(candidate, dataset_digest="other")
    assert markdown(candidate, champion=other) == markdown(candidate)
