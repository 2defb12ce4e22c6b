"""What the evaluation step found, as its figures, reports and files. Needs no paddle."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_lib.atomic import write_json, write_text
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import LatencyAndSize, Verdict
from ocr_lib.regular_file import read_bounded
from ocr_lib.report import html, markdown

REFUSED_BY = "evaluate: refused by "
CANDIDATE, CHAMPION, VERDICT = "candidate.json", "champion.json", "verdict.json"
COSTS, DECISIONS = "costs.json", "decisions.json"


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Candidate and champion on the same lines, and the decision.

    Attributes:
        candidate: the new model's figures.
        champion: the serving model's; None where nothing serves yet.
        verdict: whether the candidate may serve, and why.
        costs: time and size of both; None where nothing serves yet.
        decisions: on how many candidates the test set has decided, this one counted; None where
            they were not counted.
    """

    candidate: EvalReport
    champion: EvalReport | None
    verdict: Verdict
    costs: LatencyAndSize | None = None
    decisions: int | None = None

    def metrics(self) -> dict[str, float]:
        """Returns the figures that a user interface shows and compares."""
        values = {
            "accuracy": self.candidate.accuracy,
            "norm_edit_dis": self.candidate.norm_edit_dis,
            "character_error_rate": self.candidate.cer,
            "samples": self.candidate.samples,
            "passed": float(self.verdict.passed),
        }
        if self.candidate.spaces.f1 is not None:
            values["space_f1"] = self.candidate.spaces.f1
        if self.champion:
            values["serving_accuracy"] = self.champion.accuracy
        if self.costs:
            values["latency_ratio"] = self.costs.latency_ratio
            values["size_ratio"] = self.costs.size_ratio
        if self.decisions:
            values["test_set_decisions"] = self.decisions
        return values

    def log_lines(self) -> list[str]:
        """Returns the decision for the step's log; of a refusal, a line for each failed check."""
        if self.verdict.passed:
            return ["evaluate: accepted"]
        failed = [reason for reason in self.verdict.reasons if not reason.passed]
        return [f"{REFUSED_BY}{one.name}: {' '.join(one.words.split())}" for one in failed]

    def write_reports(self, markdown_path: str | Path, html_path: str | Path) -> None:
        """Writes the verdict as Markdown and the whole report as one HTML page."""
        shown = self.candidate, self.verdict, self.champion
        write_text(markdown_path, markdown(*shown, decisions=self.decisions))
        write_text(html_path, html(*shown, decisions=self.decisions))

    def save(self, folder: Path) -> None:
        """Writes all figures into a new folder."""
        folder.mkdir()
        self.candidate.save(folder / CANDIDATE)
        if self.champion:
            self.champion.save(folder / CHAMPION)
        write_json(folder / VERDICT, self.verdict.to_dict())
        if self.costs:
            write_json(folder / COSTS, self.costs.to_dict())
        write_json(folder / DECISIONS, {"test_set": self.decisions})

    @classmethod
    def load(cls, folder: Path) -> "EvaluationResult":
        """Reads what `save` wrote."""
        champion, costs, decisions = folder / CHAMPION, folder / COSTS, folder / DECISIONS
        verdict: dict[str, Any] = json.loads(read_bounded(folder / VERDICT))
        timed = json.loads(read_bounded(costs)) if costs.exists() else None
        return cls(
            EvalReport.load(folder / CANDIDATE),
            EvalReport.load(champion) if champion.exists() else None,
            Verdict.from_dict(verdict),
            LatencyAndSize.from_dict(timed) if timed else None,
            json.loads(read_bounded(decisions))["test_set"] if decisions.exists() else None,
        )
