"""How far the candidate differs from the champion, with intervals."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from ocr_lib.evaluation.block_counts import METRICS, WHOLE, Key, block_metrics
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate.checks import shared_slices
from ocr_lib.gate.statistics import bootstrap
from ocr_lib.report.formatting import points, signed

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of two shares with its paired 95 % interval."""

    value: float
    low: float
    high: float

    def words(self) -> str:
        """Returns the difference and its interval in percentage points."""
        return f"{points(self.value)} ({signed(self.low)} to {signed(self.high)})"

    @property
    def kind(self) -> str:
        """What the whole interval says: better, worse or even."""
        return "worse" if self.high < 0 else "better" if self.low > 0 else "even"


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
