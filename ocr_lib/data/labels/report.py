"""What a conversion did: counts and first examples of everything changed or dropped."""

from dataclasses import dataclass, field
from typing import Any

from ocr_lib.data.labels.placeholders import REASON as PLACEHOLDER
from ocr_lib.errors import LabelError

MAX_EXAMPLES = 5
MAX_EXAMPLE_CHARS = 120
MISSING_IMAGE = "missing image"
OTHER_CASE = "missing image, there is one whose name differs in upper and lower case"
OUTSIDE_LINK = "image behind a link that leaves the image folder"
_FIXES = {
    OTHER_CASE: "Write the names as the files have them",
    OUTSIDE_LINK: "Give the folder that the link leads to (image_root, --images)",
    MISSING_IMAGE: "Name the folder that image paths are relative to (image_root, --images), "
    "or correct the labels",
}


@dataclass
class Occurrences:
    """How often something was met, and where first."""

    count: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)

    def add(self, where: str, text: str, count: int) -> None:
        """Counts `count` more; keeps the example while there are few."""
        self.count += count
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append({"where": where, "text": text[:MAX_EXAMPLE_CHARS]})


@dataclass
class LabelReport:
    """The result of a conversion, written beside the label list as `report.json`.

    Args:
        source: the label file or folder that was read.
        mode: `rec`, `list` or `det`.
        form: what the source was recognised as, in words.
        compat: whether PaddleOCR's bytes were asked for.
        lines: lines read that hold anything.
        written: lines written; in det mode one an image.
        dropped: reason → lines that are not in the label list.
        changed: reason → lines written, but not quite as they were found, or worth a look.
    """

    source: str
    mode: str
    form: str
    compat: bool = False
    lines: int = 0
    written: int = 0
    dropped: dict[str, Occurrences] = field(default_factory=dict)
    changed: dict[str, Occurrences] = field(default_factory=dict)

    def drop(self, reason: str, where: str, text: str, count: int = 1) -> None:
        """Records lines left out."""
        self.dropped.setdefault(reason, Occurrences()).add(where, text, count)

    def change(self, reason: str, where: str, text: str, count: int = 1) -> None:
        """Records lines kept that were changed or deserve a look."""
        self.changed.setdefault(reason, Occurrences()).add(where, text, count)

    @property
    def bad(self) -> int:
        """Number of lines dropped."""
        return sum(occurrences.count for occurrences in self.dropped.values())

    @property
    def _faulty(self) -> dict[str, Occurrences]:
        """What was dropped for a fault; placeholders are where there is no text, not one."""
        return {
            reason: occurrences
            for reason, occurrences in self.dropped.items()
            if reason != PLACEHOLDER
        }

    @property
    def warning(self) -> str:
        """Says how many lines placeholders cost, for they may fail no quota; "" where none."""
        placeholders = self.dropped.get(PLACEHOLDER)
        if placeholders is None:
            return ""
        first = placeholders.examples[0]
        return (
            f"{placeholders.count:,} of {self.lines:,} lines "
            f"({placeholders.count / self.lines:.2%}) are left out, because their label is a "
            f"placeholder and no text; the first is {first['where']} {first['text']!r}. "
            "Label these images to learn from them"
        )

    def check(self, max_bad_fraction: float) -> None:
        """Decides between skipping and failing.

        Raises:
            LabelError: more than `max_bad_fraction` of the lines was dropped, or nothing is left.
        """
        faulty = self._faulty
        bad = sum(occurrences.count for occurrences in faulty.values())
        if bad > max_bad_fraction * self.lines:
            worst, occurrences = max(faulty.items(), key=lambda item: item[1].count)
            raise LabelError(
                occurrences.examples[0]["where"],
                f"{bad} of {self.lines} lines cannot be used, more than the "
                f"{max_bad_fraction:.1%} allowed: {self.reasons(faulty)}",
                _FIXES.get(
                    worst,
                    "Correct them, or allow more with max_bad_fraction (option --max-bad-fraction)",
                ),
            )
        if not self.written and self.dropped:
            cause = f"no text in it: {self.reasons(self.dropped)}"
            raise LabelError(self.source, cause, "Label the images first")
        if not self.written:
            why = f": {self.reasons(self.dropped)}" if self.dropped else ""
            fix = "Check that it is the right file"
            raise LabelError(self.source, f"no samples in it{why}", fix)

    @staticmethod
    def reasons(by_reason: dict[str, Occurrences]) -> str:
        """Returns `reason 3 (gt.txt:7 'text')` for each reason, most frequent first."""
        ordered = sorted(by_reason.items(), key=lambda item: -item[1].count)
        return ", ".join(
            f"{reason} {occurrences.count} ({occurrences.examples[0]['where']} "
            f"{occurrences.examples[0]['text']!r})"
            for reason, occurrences in ordered
        )

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        return {
            "source": self.source,
            "mode": self.mode,
            "form": self.form,
            "compat": self.compat,
            "lines": self.lines,
            "written": self.written,
            "warning": self.warning,
            "dropped": _as_dict(self.dropped),
            "changed": _as_dict(self.changed),
        }


def _as_dict(by_reason: dict[str, Occurrences]) -> dict[str, Any]:
    return {
        reason: {"count": occurrences.count, "examples": occurrences.examples}
        for reason, occurrences in by_reason.items()
    }
