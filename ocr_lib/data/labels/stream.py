"""The conversion of label lines into the label list, a block at a time.

One regular expression takes the ordinary lines of a block apart in one call. What it leaves lying
between them, and lines whose image is missing, are odd lines: each is parsed by itself, put right
or dropped, and counted in the report.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Protocol

from ocr_lib.data.labels.blocks import LineBlock
from ocr_lib.data.labels.images import ImageMatch
from ocr_lib.data.labels.lines import BadLine, LineForm, Parsed, check
from ocr_lib.data.labels.placeholders import REASON as PLACEHOLDER
from ocr_lib.data.labels.placeholders import Placeholders
from ocr_lib.data.labels.report import LabelReport

STRIDE = 4  # re.split gives: gap, image, separator, label, gap, image, …


class Names(Protocol):
    """What knows which images exist."""

    def missing(self, names: Sequence[str]) -> list[int]:
        """Returns the indexes of the names that are no image of the data set."""

    def match(self, name: str) -> ImageMatch:
        """Returns what there is in place of an image that is missing."""


class LineConverter:
    """Converts blocks of label lines; counts into the report.

    Args:
        form: of the lines.
        names: which images exist.
        prefix: put before every image path.
        report: filled on the way.
        placeholders: labels that are left out.
    """

    def __init__(
        self,
        form: LineForm,
        names: Names,
        prefix: str,
        report: LabelReport,
        placeholders: Placeholders,
    ) -> None:
        self._form = form
        self._names = names
        self._prefix = prefix
        self._report = report
        self._placeholders = placeholders

    def convert(self, block: LineBlock) -> str:
        """Returns the block's lines of the label list."""
        parts = self._form.common.split(block.text)
        self._return_unusable(parts)
        for index, number in _odd_gaps(parts):
            parts[index] = self._odd_lines(parts[index], block.name, block.number + number)
        ordinary = len(parts) // STRIDE
        self._report.lines += ordinary
        self._report.written += ordinary
        if self._prefix:
            parts[1::STRIDE] = [self._prefix + image for image in parts[1::STRIDE]]
        parts[2::STRIDE] = repeat("\t", ordinary)
        return "".join(parts)[1:]

    def _return_unusable(self, parts: list[str]) -> None:
        """Puts lines without an image or a text back among the odd ones, as they were."""
        unusable = {
            *self._names.missing(parts[1::STRIDE]),
            *self._placeholders.positions(parts[3::STRIDE]),
        }
        for m in sorted(unusable, reverse=True):
            at = slice(m * STRIDE, (m + 1) * STRIDE + 1)
            gap, image, _, label, next_gap = parts[at]
            line = f"{image}{self._form.separator}{label}{self._form.closing}"
            parts[at] = [gap + line + next_gap]

    def _odd_lines(self, gap: str, name: str, number: int) -> str:
        lines = gap[1:-1].split("\n")
        return "\n" + "".join(
            self._odd_line(line, f"{name}:{i}")
            for i, line in enumerate(lines, number)
            if line.strip()
        )

    def _odd_line(self, line: str, where: str) -> str:
        self._report.lines += 1
        try:
            parsed = self._parse(line)
        except BadLine as reason:
            self._report.drop(str(reason), where, line)
            return ""
        for note in parsed.notes:
            self._report.change(note, where, line)
        self._report.written += 1
        return parsed.line(self._prefix)

    def _parse(self, line: str) -> Parsed:
        parsed = self._form.parse(line)
        check(parsed)
        if parsed.label in self._placeholders:
            raise BadLine(PLACEHOLDER)
        for i in self._names.missing(parsed.images):
            match = self._names.match(parsed.images[i])
            if match.name is None:
                raise BadLine(match.reason)
            parsed.images[i] = match.name
            parsed.notes.append(match.reason)
        return parsed


def _odd_gaps(parts: list[str]) -> Iterator[tuple[int, int]]:
    """Yields index and first line (from 0 in the block) of the gaps that hold odd lines."""
    if parts[::STRIDE].count("\n") == len(parts) // STRIDE + 1:
        return
    odd_lines = 0
    for index in range(0, len(parts), STRIDE):
        if parts[index] != "\n":
            before = odd_lines
            odd_lines += parts[index].count("\n") - 1  # now: the caller will replace the gap
            yield index, index // STRIDE + before
