"""The demo's result: as `summary.json` for programs, and in a few lines for people."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ocr_lib.progress import duration
from ocr_lib.registry.production import Production
from ocr_lib.report.evaluation_result import EvaluationResult
from pipelines.demo.answers import ServedAnswer

COLUMN = 44  # characters of a text shown


def summarise(
    *,
    evaluation: EvaluationResult,
    bundle: dict[str, Any] | None,
    production: Production | None,
    answers: Sequence[ServedAnswer],
    seconds: dict[str, Any],
    report: Path,
) -> dict[str, Any]:
    """Returns the content of `summary.json`.

    Args:
        evaluation: the candidate's figures and the verdict.
        bundle: metadata of the exported bundle; None where the gate refused.
        production: what serves now; None where nothing was ever accepted.
        answers: Triton's.
        seconds: `whole`, and `steps` by name.
        report: the HTML page.
    """
    candidate = evaluation.candidate
    parity = None
    if bundle is not None:
        parity = {name: bundle[f"parity_{name}"] for name in ("max_abs_diff", "texts_equal")}
    return {
        "accuracy": candidate.accuracy,
        "norm_edit_dis": candidate.norm_edit_dis,
        "samples": candidate.samples,
        "seconds": seconds,
        "gate": evaluation.verdict.to_dict(),
        "parity": parity,
        "triton": {
            "equal": all(a.triton == a.exported for a in answers) if answers else None,
            "answers": [asdict(answer) for answer in answers],
        },
        "model": production.model if production else None,
        "model_version": production.version if production else None,
        "report": str(report),
    }


def lines(summary: dict[str, Any]) -> list[str]:
    """Returns the summary for a console."""
    gate = summary["gate"]
    refused = [reason["words"] for reason in gate["reasons"] if not reason["passed"]]
    return [
        *_answers(summary),
        "",
        f"test set   accuracy {summary['accuracy']:.4f} of {summary['samples']:,} samples, "
        f"norm_edit_dis {summary['norm_edit_dis']:.4f}",
        "gate       accepted" if gate["passed"] else f"gate       refused: {'; '.join(refused)}",
        f"serving    {_serving(summary)}",
        f"time       {duration(summary['seconds']['whole'])}",
        f"report     {summary['report']}",
    ]


def _serving(summary: dict[str, Any]) -> str:
    version = summary["model_version"]
    if version is None:
        return "nothing: no model was accepted yet"
    unchanged = "" if summary["gate"]["passed"] else ", as before"
    equal = "just what" if summary["triton"]["equal"] else "NOT what"
    model = f"{summary['model']} version {version}{unchanged}"
    return f"{model}; Triton reads {equal} the exported model reads"


def _answers(summary: dict[str, Any]) -> list[str]:
    answers = summary["triton"]["answers"]
    if not answers:
        return []
    head = f"  {'Triton read':<{COLUMN}}  truth"
    rows = [
        f"{'✓' if a['triton'] == a['truth'] else '✗'} {_shown(a['triton']):<{COLUMN}}  "
        f"{_shown(a['truth'])}"
        for a in answers
    ]
    return ["", "Lines that were never trained on, as Triton reads them:", head, *rows]


def _shown(text: str) -> str:
    """Returns a text for a table: control characters visible, and not too long."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= COLUMN else text[: COLUMN - 1] + "…"
