"""The tests behind the gate. All are paired: two models on the same lines.

Every p-value is one-sided. Random draws come from a fixed seed: equal reports, equal verdicts.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ocr_lib.evaluation.block_counts import LOWER_IS_BETTER, METRICS, block_metrics

SEED = 20_230_817
SWAPS = 999  # of the randomisation test: its smallest p is 1 / (SWAPS + 1)
RESAMPLES = 2000  # of the bootstrap
BETTER = np.array([-1.0 if name in LOWER_IS_BETTER else 1.0 for name in METRICS])


def sign_test(wins: int, losses: int) -> float:
    """Returns how likely at least `losses` losses are if both models were equally good.

    The exact one-sided McNemar test: lines on which the models agree say nothing, and each of the
    others is a fair coin under equality.

    Source: McNemar (1947), exact binomial form.
    """
    total = wins + losses
    whole = math.lgamma(total + 1) - total * math.log(2.0)
    tail = math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(total - k + 1))
        for k in range(losses, total + 1)
    )
    return min(1.0, tail)


def score_test(wins: int, losses: int, samples: int, margin: float) -> float:
    """Returns how likely so good a result is if the candidate's accuracy were `margin` lower.

    Small values prove that it is less than `margin` worse. The score test keeps its error rate
    where few lines differ, which the usual normal interval does not.

    Source: Tango (1998), "Equivalence test and confidence interval for the difference in
    proportions for the paired-sample design", closed form.
    """
    difference = -margin
    a = 2.0 * samples
    b = -wins - losses + (2.0 * samples - wins + losses) * difference
    c = -losses * difference * (1.0 - difference)
    lost = (math.sqrt(b * b - 4.0 * a * c) - b) / (2.0 * a)
    variance = samples * (2.0 * lost + difference * (1.0 - difference))
    if variance <= 0.0:  # the models never differ and no margin is asked for
        return 1.0
    return normal_tail((wins - losses - samples * difference) / math.sqrt(variance))


def normal_tail(z: float) -> float:
    """Returns the chance of a standard normal value of at least `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def fewer_hits(hits: int, total: int, other_hits: int, other_total: int) -> float:
    """Returns how likely so few `hits` are if both shares were equal.

    Fisher's exact test. It takes the two samples for independent; those of two models on the
    same lines vary together, which makes their difference smaller: the test errs to caution
    before it calls a difference real.

    Source: Fisher (1935), hypergeometric tail.
    """
    both, right = total + other_total, hits + other_hits
    whole = _log_choose(both, right)
    lowest = max(0, right - other_total)
    tail = math.fsum(
        math.exp(_log_choose(total, k) + _log_choose(other_total, right - k) - whole)
        for k in range(lowest, hits + 1)
    )
    return min(1.0, tail)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def randomisation_test(
    candidate: NDArray[np.int64], champion: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns for each of `METRICS` how likely so bad a candidate is if both were equally good.

    If they were, it would not matter which of the two answers in a block is whose: they are
    swapped at random, and the share of swaps is counted that look as bad for the candidate.

    Args:
        candidate: sums by field and block, [8, blocks].
        champion: the same.

    Source: approximate randomisation, Noreen (1989); Yeh (2000) for F1.
    """
    gap = (champion - candidate).astype(np.float32)
    moved = (_swaps(gap.shape[1]) @ gap.T).astype(np.float64)  # [SWAPS, 8]
    candidate_sums, champion_sums = candidate.sum(axis=1), champion.sum(axis=1)
    seen = (block_metrics(candidate_sums) - block_metrics(champion_sums)) * BETTER
    gains = (block_metrics(candidate_sums + moved) - block_metrics(champion_sums - moved)) * BETTER
    as_bad = (gains <= seen + 1e-9).sum(axis=0)
    return np.where(np.isnan(seen), 1.0, (1 + as_bad) / (SWAPS + 1))


def bootstrap(
    candidate: NDArray[np.int64], champion: NDArray[np.int64], confidence: float
) -> NDArray[np.float64]:
    """Returns intervals of candidate minus champion, for every slice and metric.

    Blocks are drawn with replacement, the same ones for both models and all slices.

    Args:
        candidate: sums by slice, field and block, [slices, 8, blocks].
        champion: the same slices and blocks.
        confidence: of each two-sided interval.

    Returns:
        Lower and upper ends, [slices, 4, 2]; NaN where a slice has no such figure.

    Source: Efron (1979), percentile intervals over pairs.
    """
    weights = _draws(candidate.shape[2])
    sums = [
        np.einsum("rb,sfb->srf", weights, part, optimize=True) for part in (candidate, champion)
    ]
    changes = block_metrics(sums[0]) - block_metrics(sums[1])  # [slices, RESAMPLES, 4]
    half = (1.0 - confidence) / 2.0
    with np.errstate(invalid="ignore"):
        ends = np.nanquantile(_usable(changes), [half, 1.0 - half], axis=1)
    return np.asarray(np.where(_seen(changes)[..., None], np.moveaxis(ends, 0, -1), np.nan))


def _seen(changes: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(changes).any(axis=1))


def _usable(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fills what is NaN in every draw with 0, so that numpy does not warn of it."""
    return np.where(_seen(changes)[:, None, :], changes, 0.0)


@lru_cache(maxsize=2)
def _swaps(blocks: int) -> NDArray[np.float32]:
    rng = np.random.Generator(np.random.PCG64(SEED))
    return rng.integers(0, 2, (SWAPS, blocks)).astype(np.float32)


@lru_cache(maxsize=1)
def _draws(blocks: int) -> NDArray[np.float64]:
    rng = np.random.Generator(np.random.PCG64(SEED))
    even = np.full(blocks, 1.0 / blocks)
    return rng.multinomial(blocks, even, size=RESAMPLES).astype(np.float64)
