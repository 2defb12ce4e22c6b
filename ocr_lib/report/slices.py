"""Accuracy by slice, of both models, and the change with its interval."""

from dataclasses import dataclass

from ocr_lib.evaluation.report import EvalReport, Slice
from ocr_lib.report.changes import Change, Changes

SECTIONS = (
    ("By label length", "characters", "length"),
    ("By image width", "width bucket, px", "width"),
    ("By what the label has", "lines with", "class"),
    ("By script", "lines with", "script"),
    ("By source", "label list or folder", "source"),
)


@dataclass(frozen=True, slots=True)
class SliceSection:
    """The slices by one property, with the serving model's where it has the same ones."""

    heading: str
    unit: str
    dimension: str
    parts: tuple[Slice, ...]
    champion: dict[str, Slice]
    changes: Changes

    @property
    def with_changes(self) -> bool:
        """Whether there are changes to show."""
        return bool(self.champion and self.changes)

    @property
    def reach(self) -> float:
        """The share at both ends of the scale of changes."""
        return self.changes.reach([(self.dimension, part.name) for part in self.parts])

    def change(self, part: Slice) -> Change | None:
        """Returns the change of accuracy in a slice, None where there is none."""
        return self.changes.of((self.dimension, part.name))


def slices(report: EvalReport, champion: EvalReport | None, changes: Changes) -> list[SliceSection]:
    """Returns a section for every kind of slice that says more than the whole."""
    sections = []
    for heading, unit, dimension in SECTIONS:
        parts: tuple[Slice, ...] = getattr(report, f"by_{dimension}")
        if len(parts) <= (dimension in ("script", "source")):
            continue
        reference = {part.name: part for part in getattr(champion, f"by_{dimension}", ())}
        if reference.keys() != {part.name for part in parts}:
            reference = {}  # the serving model has other width buckets, or an old report
        sections.append(SliceSection(heading, unit, dimension, parts, reference, changes))
    return sections
