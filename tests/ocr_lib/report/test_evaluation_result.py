from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Check, Thresholds, Verdict, decide
from ocr_lib.report.evaluation_result import REFUSED_BY, EvaluationResult
from tests.components.eval_reports import report_with


def judge(candidate: EvalReport, champion: EvalReport | None) -> EvaluationResult:
    return EvaluationResult(candidate, champion, decide(candidate, champion, Thresholds()))


@pytest.mark.parametrize("champion", [None, report_with(0.9)])
def test_an_evaluation_survives_its_folder(champion: EvalReport | None, tmp_path: Path) -> None:
    found = replace(judge(report_with(0.7), champion), decisions=3)
    found.save(tmp_path / "evaluation")
    assert EvaluationResult.load(tmp_path / "evaluation") == found
    (tmp_path / "evaluation/decisions.json").unlink()  # of an earlier release
    assert EvaluationResult.load(tmp_path / "evaluation") == replace(found, decisions=None)


def test_metrics_set_the_model_beside_the_one_that_serves() -> None:
    metrics = judge(report_with(0.7), report_with(0.9)).metrics()
    assert metrics["accuracy"] == 0.7
    assert metrics["serving_accuracy"] == 0.9
    assert metrics["passed"] == 0.0
    assert "serving_accuracy" not in judge(report_with(0.7), None).metrics()


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        (1, "This test set has judged 1 candidate."),
        (7, "This test set has judged 7 candidates."),
        (50, "This test set has judged 50 candidates. After this many it is no longer blind"),
    ],
)
def test_the_reports_say_how_many_candidates_the_test_set_has_judged(
    decisions: int, words: str, tmp_path: Path
) -> None:
    found = replace(judge(report_with(0.7), None), decisions=decisions)
    found.write_reports(tmp_path / "md", tmp_path / "html")
    assert words in (tmp_path / "md").read_text("utf-8")
    assert words in (tmp_path / "html").read_text("utf-8")
    assert found.metrics()["test_set_decisions"] == decisions


def test_a_refusal_is_in_the_log_with_each_check_that_failed() -> None:
    fell = Check("slices", False, 0.1, 0.0, 0.2, "accuracy fell in a\nevaluate: accepted")
    kept = Check("accuracy", True, 0.9, 0.5, 0.9, "0.9 of all")
    found = replace(judge(report_with(0.7), None), verdict=Verdict(False, (kept, fell)))
    assert found.log_lines() == [f"{REFUSED_BY}slices: accuracy fell in a evaluate: accepted"]
    accepted = replace(found, verdict=Verdict(True, (kept,)))
    assert accepted.log_lines() == ["evaluate: accepted"]


def test_a_refusal_is_on_both_reports(tmp_path: Path) -> None:
    judge(report_with(0.7), report_with(0.9)).write_reports(tmp_path / "md", tmp_path / "html")
    assert "Refused" in (tmp_path / "md").read_text("utf-8")
    assert "Refused" in (tmp_path / "html").read_text("utf-8")
