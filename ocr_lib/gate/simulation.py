"""How often the gate errs: simulated candidates whose true difference is known.

A data set of lines is drawn once: lengths, characters, spaces. A draw is a pair of models: on a
share `disagreement` of the lines exactly one of them is right, the champion more often by the
true difference; a line read wrongly has one wrong character or lost space. Everything else is
real: `decide` sees two reports of that many lines.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_lib.evaluation.block_counts import (
    BLOCKS,
    FIELDS,
    MILLION,
    WHOLE,
    BlockCounts,
    Key,
    block_metrics,
)
from ocr_lib.evaluation.characters import Recall
from ocr_lib.evaluation.report import EvalReport, Spaces
from ocr_lib.gate import Thresholds, decide
from ocr_lib.progress import Progress

ALPHABET = "etaoinshrdlcumwfgypbvkjxqzETAOINSHRDL0123456789.,-:/"
LONGEST = 20  # characters of a line
SPACE_ERRORS = 0.15  # share of the wrong lines with a space that lose it
SPACES = 0.1  # spaces a character

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Candidates of one kind. Shares are fractions of 1.

    Attributes:
        samples: evaluated lines.
        accuracy: the champion's true accuracy.
        difference: the candidate's true accuracy minus the champion's.
        disagreement: share of lines on which exactly one of the two is right.

    Raises:
        ValueError: no two models can differ so.
    """

    samples: int = 2000
    accuracy: float = 0.9
    difference: float = 0.0
    disagreement: float = 0.06

    def __post_init__(self) -> None:
        possible = 0 <= self.losses <= self.accuracy and 0 <= self.gains <= 1 - self.accuracy
        if self.samples < 1 or not possible:
            raise ValueError(
                f"no two models differ by {self.difference:g} where one reads {self.accuracy:g} "
                f"and they disagree on {self.disagreement:g} of the lines"
            )

    @property
    def gains(self) -> float:
        """Chance of a line that only the candidate reads."""
        return (self.disagreement + self.difference) / 2

    @property
    def losses(self) -> float:
        """Chance of a line that only the champion reads."""
        return (self.disagreement - self.difference) / 2


def refusals(
    scenario: Scenario,
    thresholds: Thresholds,
    draws: int = 1000,
    seed: int = 7,
    *,
    quiet: bool = True,
) -> Counter[str]:
    """Returns reason → in how many of the draws it refused; under "refused" those with any."""
    simulation = Simulation(scenario, seed)
    counts: Counter[str] = Counter(refused=0)
    with Progress(0 if quiet else draws, "simulating", "verdicts") as progress:
        for _ in range(draws):
            reasons = decide(*simulation.draw(), thresholds).reasons
            failed = [reason.name for reason in reasons if not reason.passed]
            counts.update(failed)
            counts["refused"] += bool(failed)
            progress.add(1)
    return counts


class Simulation:
    """Draws pairs of reports on one made-up data set.

    Args:
        scenario: what is true.
        seed: of everything random; equal seeds, equal draws.
    """

    def __init__(self, scenario: Scenario, seed: int = 7) -> None:
        self.scenario = scenario
        self._rng = np.random.Generator(np.random.PCG64(seed))
        lines = scenario.samples
        self._lengths = self._rng.integers(1, LONGEST + 1, lines)
        self._spaces = self._rng.binomial(self._lengths, SPACES)
        # Characters by frequency, as in a language; each line has some of them.
        weights = 1.0 / np.arange(1, len(ALPHABET) + 1)
        chance = 1.0 - (1.0 - weights / weights.sum()) ** self._lengths[:, None]
        self._has = self._rng.random(chance.shape) < chance
        self._has[~self._has.any(axis=1), 0] = True
        self._blocks = min(lines, BLOCKS)
        slices = self._slices()
        self._keys = tuple(slices)
        row, self._line = np.nonzero(np.stack(list(slices.values())))
        self._cell = row * self._blocks + self._line * self._blocks // lines

    def draw(self) -> tuple[EvalReport, EvalReport]:
        """Returns the reports of a candidate and of a champion."""
        s = self.scenario
        luck = self._rng.random(s.samples)
        gained, lost = luck < s.gains, (luck >= s.gains) & (luck < s.gains + s.losses)
        both = (luck >= s.gains + s.losses) & (luck < s.gains + s.accuracy)
        return self.report(gained | both), self.report(lost | both)

    def _slices(self) -> dict[Key, Mask]:
        quarter = (self._lengths - 1) * 4 // LONGEST
        return {
            WHOLE: np.ones(len(quarter), bool),
            **{("length", str(q)): quarter == q for q in range(4)},
            ("class", "spaces"): self._spaces > 0,
            ("class", "upper case"): self._has[:, 26:36].any(axis=1),
            ("class", "digits"): self._has[:, 36:46].any(axis=1),
            ("class", "punctuation"): self._has[:, 46:].any(axis=1),
        }

    def report(self, right: Mask) -> EvalReport:
        """Returns the report of a model that is right on these samples."""
        wrong = np.flatnonzero(~right)
        loses_space = (self._rng.random(len(wrong)) < SPACE_ERRORS) & (self._spaces[wrong] > 0)
        cells = self._cells(right, wrong[loses_space])
        sums = cells.counts[cells.slices.index(WHOLE)].sum(axis=1)
        accuracy, similarity, cer, _ = block_metrics(sums).tolist()
        return EvalReport(
            samples=len(right), unreadable=0, out_of_dictionary=0, accuracy=accuracy,
            norm_edit_dis=similarity, cer=cer, paddleocr={}, by_length=(), by_width=(), worst=(),
            watched={}, errors=(), outcomes=right.astype(np.uint8).tobytes(),
            dataset_digest="simulated", seconds=0.0, cells=cells,
            spaces=Spaces(*sums[5:].tolist()), characters=self._recalls(wrong[~loses_space]),
        )  # fmt: skip

    def _cells(self, right: Mask, without_space: NDArray[np.int64]) -> BlockCounts:
        reads = self._spaces.copy()
        reads[without_space] -= 1
        one = np.ones(len(right), np.int64)
        values = {
            "samples": one,
            "correct": right,
            "distance": np.where(right, 0, MILLION // self._lengths),
            "edits": ~right,
            "characters": self._lengths,
            "space_hits": reads,
            "space_truths": self._spaces,
            "space_reads": reads,
        }
        size = len(self._keys) * self._blocks
        sums = [np.bincount(self._cell, values[field][self._line], size) for field in FIELDS]
        counts = np.stack(sums).reshape(len(FIELDS), len(self._keys), self._blocks)
        data = counts.transpose(1, 0, 2).astype("<i8").tobytes()
        return BlockCounts(self._keys, self._blocks, data)

    def _recalls(self, wrong: NDArray[np.int64]) -> dict[str, Recall]:
        """Returns the counts where each of these lines misreads one of its characters."""
        start = self._rng.integers(0, len(ALPHABET), (len(wrong), 1))
        ring = (start + np.arange(len(ALPHABET))) % len(ALPHABET)
        first = np.take_along_axis(self._has[wrong], ring, axis=1).argmax(axis=1)
        mistaken = np.take_along_axis(ring, first[:, None], axis=1)[:, 0]
        missed = np.bincount(mistaken, minlength=len(ALPHABET)).tolist()
        lines = self._has.sum(axis=0).tolist()
        return {
            character: Recall(count, count - lost, count, count - lost)
            for character, count, lost in zip(ALPHABET, lines, missed, strict=True)
            if count
        }
