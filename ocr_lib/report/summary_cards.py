"""The main figures, large, with their intervals and what changed."""

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.report.changes import Change, Changes
from ocr_lib.report.formatting import percent, points, wilson


def summary_cards(report: EvalReport, champion: EvalReport | None, changes: Changes) -> str:
    """Returns the row of tiles."""
    low, high = wilson(report.accuracy * report.samples, report.samples)
    shown = [
        _figure("Lines read exactly", "accuracy", report, champion, changes,
                f"95 % interval {low:.1%} – {high:.1%}"),
        _figure("Edit similarity", "norm_edit_dis", report, champion, changes,
                "norm_edit_dis, spaces counted"),
        _figure("Character errors", "cer", report, champion, changes, "edits over characters"),
    ]  # fmt: skip
    if report.spaces.f1 is not None:
        shown.append(_spaces(report, champion, changes))
    unreadable = f"{report.unreadable:,}"
    shown.append(_tile("Unreadable images", unreadable, ["counted as wrong"]))
    return f'<div class="tiles">{"".join(shown)}</div>'


def _figure(
    name: str,
    metric: str,
    report: EvalReport,
    champion: EvalReport | None,
    changes: Changes,
    note: str,
) -> str:
    value: float = getattr(report, metric)
    other: float | None = getattr(champion, metric, None)
    return _tile(name, percent(value), [note, *_against(value, other, changes.of(metric=metric))])


def _spaces(report: EvalReport, champion: EvalReport | None, changes: Changes) -> str:
    spaces = report.spaces
    precision, recall = (
        "none" if share is None else f"{share:.1%}" for share in (spaces.precision, spaces.recall)
    )
    value = spaces.f1 or 0.0
    other = champion.spaces.f1 if champion else None
    notes = _against(value, other, changes.of(metric="space_f1"))
    return _tile(
        "F1 of spaces", percent(value), [f"precision {precision}, recall {recall}", *notes]
    )


def _against(value: float, other: float | None, change: Change | None) -> list[str]:
    if change is not None:
        return [f"{change.words()} vs serving"]
    return [] if other is None else [f"{points(value - other)} vs serving"]


def _tile(name: str, value: str, notes: list[str]) -> str:
    return (
        f'<div class="tile"><span class="soft small">{name}</span><b>{value}</b>'
        f'<span class="soft small">{"<br>".join(notes)}</span></div>'
    )
