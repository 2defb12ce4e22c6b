"""The main figures, large, with their intervals and what changed."""

from dataclasses import dataclass

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.report.changes import Change, Changes
from ocr_lib.report.formatting import percent, points, wilson


@dataclass(frozen=True, slots=True)
class Card:
    """One figure with what is said of it."""

    name: str
    value: str
    notes: list[str]


def summary_cards(report: EvalReport, champion: EvalReport | None, changes: Changes) -> list[Card]:
    """Returns the figures of the candidate, compared with the champion's where there is one."""
    low, high = wilson(report.accuracy * report.samples, report.samples)
    cards = []
    for name, metric, note in (
        ("Lines read exactly", "accuracy", f"95 % interval {low:.1%} – {high:.1%}"),
        ("Edit similarity", "norm_edit_dis", "norm_edit_dis, spaces counted"),
        ("Character errors", "cer", "edits over characters"),
    ):
        value: float = getattr(report, metric)
        against = _against(value, getattr(champion, metric, None), changes.of(metric=metric))
        cards.append(Card(name, percent(value), [note, *against]))
    spaces = report.spaces
    if spaces.f1 is not None:
        precision, recall = (
            "none" if share is None else f"{share:.1%}"
            for share in (spaces.precision, spaces.recall)
        )
        other = champion.spaces.f1 if champion else None
        notes = _against(spaces.f1, other, changes.of(metric="space_f1"))
        note = f"precision {precision}, recall {recall}"
        cards.append(Card("F1 of spaces", percent(spaces.f1), [note, *notes]))
    return [*cards, Card("Unreadable images", f"{report.unreadable:,}", ["counted as wrong"])]


def _against(value: float, other: float | None, change: Change | None) -> list[str]:
    if change is not None:
        return [f"{change.words()} vs serving"]
    return [] if other is None else [f"{points(value - other)} vs serving"]
