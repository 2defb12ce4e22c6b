"""A canary without users: the new version reads recorded lines beside the one in production.

Golden images tell whether a version reads what its export read; recorded lines tell how much of
what people send it would read differently from the version in production.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ocr_lib.errors import ServiceError
from ocr_lib.serving.client import RecognitionClient, ServedRecognition

MAX_EXAMPLES = 10


class ReplayError(ServiceError):
    """The new version reads too many recorded lines differently from the version in production."""


@dataclass(frozen=True)
class RecordedSample:
    """A line that was read before.

    Attributes:
        name: what reports call it.
        image: the encoded file.
        truth: what a person says it says; None where not checked.
    """

    name: str
    image: bytes
    truth: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What two versions read on the same lines.

    Attributes:
        lines: how many both read.
        changed: how many of them otherwise.
        corrected: how many have a known truth.
        right_before: how many of those the version in production reads right.
        right_now: how many of those the new version reads right.
        examples: the first changes: name, text in production, new text.
    """

    lines: int
    changed: int
    corrected: int
    right_before: int
    right_now: int
    examples: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        text = f"{self.changed} of {self.lines} recorded lines are read otherwise"
        if self.corrected:
            text += f"; of {self.corrected} with a known truth {self.right_now} are read right, "
            text += f"{self.right_before} before"
        return text

    @property
    def share(self) -> float:
        """The share of lines that are read otherwise, 0 to 1."""
        return self.changed / self.lines if self.lines else 0.0


@dataclass(frozen=True)
class ReplayEvaluation:
    """Lines to compare on, and how much may change.

    Attributes:
        lines: recorded lines.
        max_changed: the largest share of lines that may be read otherwise, 0 to 1; None only
            reports.
    """

    lines: Sequence[RecordedSample]
    max_changed: float | None = None

    def compare(self, url: str, model: str, staged: str, version: int) -> Comparison:
        """Asks both versions on one server.

        Args:
            url: `host:port` of the server.
            model: name of the model in production.
            staged: name of the staged model.
            version: its version.

        Raises:
            ShadowError: more changed than may, or fewer corrected lines are read right.
        """
        images = [line.image for line in self.lines]
        with (
            RecognitionClient(url, model) as serving,
            RecognitionClient(url, staged, version=version) as new,
        ):
            before, now = serving.read_many(images), new.read_many(images)
        comparison = _compare(self.lines, before, now)
        if self.max_changed is None:
            return comparison
        if comparison.share > self.max_changed:
            name, old, changed = comparison.examples[0]
            raise ReplayError(
                f"version {version} reads {comparison.changed} of {comparison.lines} recorded "
                f"lines differently from the version in production, more than "
                f"{self.max_changed:.0%}; first {name}: {changed!r}, not {old!r}."
            )
        if comparison.right_now < comparison.right_before:
            raise ReplayError(
                f"version {version} reads {comparison.right_now} of {comparison.corrected} "
                f"corrected lines right, the one in production {comparison.right_before}."
            )
        return comparison


def _compare(
    lines: Sequence[RecordedSample],
    before: Sequence[ServedRecognition],
    now: Sequence[ServedRecognition],
) -> Comparison:
    """Counts over the lines that both could read."""
    rows = [
        (line, old.text, new.text)
        for line, old, new in zip(lines, before, now, strict=True)
        if not (old.error or new.error)
    ]
    changed = [(line.name, old, new) for line, old, new in rows if old != new]
    corrected = [(line.truth, old, new) for line, old, new in rows if line.truth is not None]
    return Comparison(
        len(rows),
        len(changed),
        len(corrected),
        sum(truth == old for truth, old, _ in corrected),
        sum(truth == new for truth, _, new in corrected),
        tuple(changed[:MAX_EXAMPLES]),
    )
