from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.gate import Thresholds, decide
from ocr_lib.registry.production import Production
from ocr_lib.report.evaluation_result import EvaluationResult
from pipelines.demo.answers import ServedAnswer
from pipelines.demo.summary import lines, summarise
from tests.components.eval_reports import report_with

PRODUCTION = Production("demo", 3, "s3://ocr/b", "00", [1, 2], "2026-11-23T11:00:00+00:00")
ANSWERS = (
    ServedAnswer("a.png", "TOTAL", "TOTAL", "TOTAL", 0.9),
    ServedAnswer("b.png", "X", "Y", "Y", 0.2),
)
SECONDS = {"whole": 61.0, "steps": {"train": 40.0}}


def evaluation(accuracy: float = 0.92) -> EvaluationResult:
    report = report_with(accuracy)
    return EvaluationResult(report, None, decide(report, None, Thresholds(min_accuracy=0.5)))


def test_an_accepted_model_has_all_figures() -> None:
    summary = summarise(
        evaluation=evaluation(),
        bundle={"parity_max_abs_diff": 1e-6, "parity_texts_equal": True, "accuracy": 0.92},
        production=PRODUCTION,
        answers=ANSWERS,
        seconds=SECONDS,
        report=Path("build/demo/report.html"),
    )
    assert (summary["accuracy"], summary["norm_edit_dis"], summary["samples"]) == (0.92, 0.98, 200)
    assert summary["gate"]["passed"]
    assert summary["parity"] == {"max_abs_diff": 1e-6, "texts_equal": True}
    assert summary["triton"]["equal"]
    assert summary["model_version"] == 3
    text = "\n".join(lines(summary))
    assert "✓ TOTAL" in text
    assert "✗ Y" in text
    assert "demo version 3; Triton reads just what the exported model reads" in text
    assert "time       1:01" in text


@pytest.mark.parametrize("production", [None, PRODUCTION])
def test_a_refused_model_says_why_and_what_serves(production: Production | None) -> None:
    summary = summarise(
        evaluation=evaluation(accuracy=0.3),
        bundle=None,
        production=production,
        answers=ANSWERS if production else (),
        seconds=SECONDS,
        report=Path("report.html"),
    )
    assert summary["parity"] is None
    text = "\n".join(lines(summary))
    assert "gate       refused: lines read exactly: 0.3000, below the 0.5000 asked for" in text
    serving = "demo version 3, as before" if production else "nothing: no model was accepted yet"
    assert f"serving    {serving}" in text


def test_an_answer_that_differs_from_the_exported_model_is_not_hidden() -> None:
    summary = summarise(
        evaluation=evaluation(),
        bundle=None,
        production=PRODUCTION,
        answers=[replace(ANSWERS[0], triton="TOTAI")],
        seconds=SECONDS,
        report=Path("report.html"),
    )
    assert summary["triton"]["equal"] is False
    assert "Triton reads NOT what" in "\n".join(lines(summary))
