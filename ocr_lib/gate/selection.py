"""What choosing the best of several checkpoints does to the gate's chances of error.

The best of k checkpoints on a set looks better on that set than it is. Where the same set decides,
the gate sees that luck; on another set it does not. Simulated: k checkpoints of a candidate, all
equally good, chosen on the test set or on a validation set, then judged on the test set by the real
gate.

A sample has a difficulty that all models share, one that the checkpoints of a run share, and each
checkpoint its own luck, all normal; a model is right where their sum is below a bound. Their parts
make checkpoints of a run, and candidate and champion, agree as often as they are said to.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ocr_lib.gate import Thresholds, decide
from ocr_lib.gate.simulation import Scenario, Simulation
from ocr_lib.progress import Progress

ChosenOn = Literal["test", "test, champion too", "validation"]
CHOSEN_ON: tuple[ChosenOn, ...] = ("test", "test, champion too", "validation")
NODES = np.linspace(-8.0, 8.0, 2001)  # for integrals over a normal variable
WEIGHTS = np.exp(-(NODES**2) / 2)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSelection:
    """How a checkpoint is chosen.

    Attributes:
        checkpoints: how many evaluations a training had to choose from.
        correlation: of two checkpoints of a run being right on a sample (phi), 0 to 1.
        chosen_on: `test`, where the champion is no choice on it; `test, champion too`, where it was
            chosen there in its own time; `validation`, a set of its own.
        validation_samples: of that set.

    Raises:
        ValueError: a number is out of range.
    """

    checkpoints: int = 4
    correlation: float = 0.8
    chosen_on: ChosenOn = "validation"
    validation_samples: int = 400

    def __post_init__(self) -> None:
        if self.checkpoints < 1 or self.validation_samples < 1 or not 0 <= self.correlation <= 1:
            raise ValueError(f"nothing can be chosen like {self}")


def refusals_after_selection(
    scenario: Scenario,
    selection: CheckpointSelection,
    thresholds: Thresholds,
    draws: int = 1000,
    seed: int = 7,
    *,
    quiet: bool = True,
) -> Counter[str]:
    """Returns reason → in how many of the draws it refused; under "refused" those with any.

    Args:
        scenario: what is true of every checkpoint.
        selection: how one of them is chosen.
        thresholds: of the gate.
        draws: candidates.
        seed: equal seeds, equal candidates.
        quiet: prints no progress.

    Raises:
        ValueError: checkpoints of a run agree less than candidate and champion.
    """
    runs = _Runs(scenario, selection, seed)
    simulation = Simulation(scenario, seed)
    counts: Counter[str] = Counter(refused=0)
    with Progress(0 if quiet else draws, "simulating", "verdicts") as progress:
        for _ in range(draws):
            candidate, champion = (simulation.report(right) for right in runs.draw())
            reasons = decide(candidate, champion, thresholds).reasons
            failed = [reason.name for reason in reasons if not reason.passed]
            counts.update(failed)
            counts["refused"] += bool(failed)
            progress.add(1)
    return counts


class _Runs:
    """Draws a champion's run and a candidate's, and chooses a checkpoint of each."""

    def __init__(self, scenario: Scenario, selection: CheckpointSelection, seed: int) -> None:
        self._scenario = scenario
        self._selection = selection
        self._rng = np.random.Generator(np.random.PCG64(seed))
        champion, candidate = scenario.accuracy, scenario.accuracy + scenario.difference
        normal = NormalDist()
        champion_bound, candidate_bound = normal.inv_cdf(champion), normal.inv_cdf(candidate)
        self._bounds = champion_bound, candidate_bound
        both = scenario.accuracy - scenario.losses
        self._shared = _solve(lambda part: _both_right(champion_bound, candidate_bound, part), both)
        phi = selection.correlation
        both = champion**2 + phi * champion * (1 - champion)
        self._of_run = _solve(lambda part: _both_right(champion_bound, champion_bound, part), both)
        if self._of_run < self._shared:
            raise ValueError(
                f"checkpoints that agree less (correlation {phi:g}) than candidate and champion do"
            )

    def draw(self) -> tuple[Mask, Mask]:
        """Returns which test samples the chosen candidate and the champion have right."""
        chosen_on, count = self._selection.chosen_on, self._selection.checkpoints
        many = count if chosen_on == "test, champion too" else 1
        champion, candidate = self._outcomes(self._scenario.samples, (many, count))
        scores = candidate
        if chosen_on == "validation":
            _, scores = self._outcomes(self._selection.validation_samples, (1, count))
        return candidate[_best(scores)], champion[_best(champion)]

    def _outcomes(self, samples: int, checkpoints: tuple[int, int]) -> list[Mask]:
        """Returns for champion and candidate who is right where, [checkpoints, samples]."""
        difficulty = np.sqrt(self._shared) * self._rng.standard_normal(samples)
        outcomes = []
        for bound, count in zip(self._bounds, checkpoints, strict=True):
            of_run = np.sqrt(self._of_run - self._shared) * self._rng.standard_normal(samples)
            luck = np.sqrt(1 - self._of_run) * self._rng.standard_normal((count, samples))
            outcomes.append(np.asarray(difficulty + of_run + luck < bound))
        return outcomes


def _best(outcomes: Mask) -> int:
    """Returns the first of the best checkpoints, as training keeps it."""
    return int(outcomes.sum(axis=1).argmax())


def _both_right(one: float, other: float, part: float) -> float:
    """Returns how often two normal sums that share `part` of their variance are below bounds."""
    rest = np.sqrt(1 - part)
    cdf = np.vectorize(NormalDist().cdf)
    inside = cdf((one - np.sqrt(part) * NODES) / rest) * cdf((other - np.sqrt(part) * NODES) / rest)
    return float((WEIGHTS * inside).sum() / WEIGHTS.sum())


def _solve(rising: Callable[[float], float], value: float) -> float:
    """Returns where a rising function on 0 to 1 has a value, by bisection."""
    low, high = 0.0, 1.0 - 1e-9
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return low
