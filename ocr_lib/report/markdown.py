"""The verdict in a few lines of Markdown, for a pipeline's user interface."""

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Verdict
from ocr_lib.markdown import escape, row
from ocr_lib.report.formatting import judged, percent, points


def markdown(
    report: EvalReport,
    verdict: Verdict | None = None,
    champion: EvalReport | None = None,
    *,
    decisions: int | None = None,
) -> str:
    """Returns verdict, figures and reasons; arguments as `html`'s."""
    lines = []
    if verdict is not None:
        lines += [f"# {'✅ Accepted' if verdict.passed else '❌ Refused'}", ""]
    same = champion is not None and champion.dataset_digest == report.dataset_digest
    head = ["figure", "candidate", *(["serving", "change"] if same else [])]
    lines += [row(head), row(["---"] * len(head))]
    for name, field in (
        ("lines read exactly", "accuracy"),
        ("edit similarity", "norm_edit_dis"),
        ("character errors", "cer"),
    ):
        value: float = getattr(report, field)
        cells = [name, percent(value)]
        if champion is not None and same:
            reference: float = getattr(champion, field)
            cells += [percent(reference), points(value - reference)]
        lines.append(row(cells))
    if report.spaces.f1 is not None:
        cells = ["F1 of spaces", percent(report.spaces.f1)]
        if same:
            other = champion.spaces.f1 if champion else None
            cells += (
                ["–", "–"] if other is None else [percent(other), points(report.spaces.f1 - other)]
            )
        lines.append(row(cells))
    lines += ["", f"{report.samples:,} lines, {report.unreadable:,} unreadable."]
    if decisions:
        lines += ["", judged(decisions)]
    if verdict is not None:
        lines += ["", row(["", "condition", "finding"]), row(["---"] * 3)]
        lines += [
            row(["✅" if reason.passed else "❌", escape(reason.name), escape(reason.words)])
            for reason in verdict.reasons
        ]
    return "\n".join(lines) + "\n"
