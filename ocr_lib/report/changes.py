"""How far the candidate differs from the champion, with intervals: figures and small pictures."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from ocr_lib.evaluation.block_counts import METRICS, WHOLE, Key, block_metrics
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate.checks import shared_slices
from ocr_lib.gate.statistics import bootstrap
from ocr_lib.report.formatting import points

CONFIDENCE = 0.95
WIDTH, HEIGHT = 150, 16  # of a picture, px


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of two shares with its paired 95 % interval."""

    value: float
    low: float
    high: float

    def words(self) -> str:
        """Returns the difference and its interval in percentage points."""
        return f"{points(self.value)} ({_short(self.low)} to {_short(self.high)})"


class Changes:
    """Differences of candidate and champion by slice and metric; empty without a champion.

    Args:
        candidate: the new model's figures.
        champion: the serving model's on the same lines, or None.
    """

    def __init__(self, candidate: EvalReport, champion: EvalReport | None) -> None:
        self._changes: dict[tuple[Key, str], Change] = {}
        if champion is None or candidate.cells is None or champion.cells is None:
            return
        shared = dict(shared_slices(candidate.cells, champion.cells))
        if not shared:
            return
        counts, reference = (np.stack([pair[i] for pair in shared.values()]) for i in (0, 1))
        seen = block_metrics(counts.sum(axis=2)) - block_metrics(reference.sum(axis=2))
        ends = bootstrap(counts, reference, CONFIDENCE)
        for row, key in enumerate(shared):
            for column, metric in enumerate(METRICS):
                change = Change(float(seen[row, column]), *ends[row, column].tolist())
                if all(map(isfinite, (change.value, change.low, change.high))):
                    self._changes[key, metric] = change

    def __bool__(self) -> bool:
        return bool(self._changes)

    def of(self, key: Key = WHOLE, metric: str = "accuracy") -> Change | None:
        """Returns the difference of a slice, None where the two models have no such figure."""
        return self._changes.get((key, metric))

    def reach(self, keys: list[Key], metric: str = "accuracy") -> float:
        """Returns the largest end of the intervals of some slices, for a common scale."""
        ends = [max(abs(c.low), abs(c.high)) for key in keys if (c := self.of(key, metric))]
        return max([0.01, *ends])


def picture(change: Change | None, reach: float) -> str:
    """Returns the interval as a line around zero: left is worse, right is better.

    Args:
        change: the difference; None gives an empty cell.
        reach: the share at both ends of the scale.
    """
    if change is None:
        return ""
    low, at, high = (
        (1 + max(-1.0, min(1.0, x / reach))) * (WIDTH - 8) / 2 + 4
        for x in (change.low, change.value, change.high)
    )
    kind = "worse" if change.high < 0 else "better" if change.low > 0 else "even"
    y = HEIGHT / 2
    return (
        f'<svg class="whisker {kind}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{change.words()}"><line class="zero" x1="{WIDTH / 2}" y1="0" '
        f'x2="{WIDTH / 2}" y2="{HEIGHT}"/><line class="range" x1="{low:.1f}" y1="{y}" '
        f'x2="{high:.1f}" y2="{y}"/><circle cx="{at:.1f}" cy="{y}" r="4"/></svg>'
    )


def _short(change: float) -> str:
    return f"{'−' if change < 0 else '+'}{abs(change) * 100:.2f}"
