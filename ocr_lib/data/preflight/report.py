"""What a preflight found, as JSON, as Markdown and as plain text."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ocr_lib.markdown import escape, row
from ocr_lib.terminal import printable

EXAMPLES = 5
Numbers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes:
        check: what was looked at.
        cause: what was found, with its count.
        fix: what to do about it.
        examples: the first places, each with what is there.
        blocking: whether it stops the run.
    """

    check: str
    cause: str
    fix: str
    examples: tuple[str, ...] = ()
    blocking: bool = False


def share_finding(
    check: str,
    what: str,
    indices: Sequence[int],
    total: int,
    max_share: float,
    fix: str,
    examples: Sequence[str],
) -> Iterator[Finding]:
    """Yields a finding where there are any; it blocks where they are more than `max_share`."""
    if len(indices):
        share = len(indices) / max(1, total)
        cause = f"{len(indices):,} of {total:,} ({share:.2%}) {what}"
        yield Finding(check, cause, fix, tuple(examples[:EXAMPLES]), share > max_share)


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """The verdict on a configuration and its data.

    Attributes:
        problems: each stops the run.
        warnings: the run may go on.
        numbers: `train` and `validation` (samples, label lengths, widths, …) and `machine`.
    """

    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    numbers: Numbers

    @property
    def passed(self) -> bool:
        """Whether the run may go on."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {
            "passed": self.passed,
            "problems": [asdict(finding) for finding in self.problems],
            "warnings": [asdict(finding) for finding in self.warnings],
            "numbers": self.numbers,
        }

    def markdown(self) -> str:
        """Returns the report as Markdown; labels in it are quoted, never interpreted."""
        lines = [f"# Preflight {'passed' if self.passed else 'failed'}", ""]
        for title, findings in (("Problems", self.problems), ("Warnings", self.warnings)):
            if findings:
                lines += [f"## {title}", ""]
                for finding in findings:
                    lines += _finding_lines(finding)
                lines.append("")
        lines += ["## Numbers", "", *_table(self.numbers)]
        return "\n".join(lines) + "\n"

    def text(self) -> str:
        """Returns the report for a terminal or a log, without mark-up."""
        lines = [f"preflight {'passed' if self.passed else 'failed'}"]
        for word, findings in (("problem", self.problems), ("warning", self.warnings)):
            for finding in findings:
                lines.append(f"{word}: {finding.check}: {finding.cause}. {finding.fix}.")
                lines += [f"    {example}" for example in finding.examples]
        table = [("", "train", "validation"), *_rows(self.numbers)]
        widths = [max(map(len, column)) for column in list(zip(*table, strict=True))[:2]]
        lines += [f"{name:{widths[0]}}  {a:{widths[1]}}  {b}".rstrip() for name, a, b in table]
        return "\n".join(map(printable, lines))


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"- **{escape(finding.check)}**: {escape(finding.cause)}. {escape(finding.fix)}."
    for example in finding.examples:
        yield f"  - {escape(example)}"


def _table(numbers: Numbers) -> Iterator[str]:
    yield "| | train | validation |"
    yield "| --- | --- | --- |"
    for cells in _rows(numbers):
        yield row(map(escape, cells))


def _rows(numbers: Numbers) -> Iterator[tuple[str, str, str]]:
    """Yields what a number says, and its value for the two data sets."""
    train, validation = numbers.get("train", {}), numbers.get("validation", {})
    for key in train | validation:
        cells = _cell(train.get(key)), _cell(validation.get(key))
        if any(cells):
            yield key.replace("_", " "), *cells
    for key, value in numbers.get("machine", {}).items():
        yield key.replace("_", " "), _cell(value), ""


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_number(item)}" for key, item in value.items())
    return _number(value)


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else "" if value is None else str(value)
