import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from ocr_lib.evaluation.block_counts import FIELDS, METRICS
from ocr_lib.gate.statistics import (
    SWAPS,
    bootstrap,
    fewer_hits,
    normal_tail,
    randomisation_test,
    score_test,
    sign_test,
)

ACCURACY = METRICS.index("accuracy")


def cells(correct: list[int]) -> np.ndarray:
    """Sums [fields, blocks] of one line a block, each of ten characters, wrong ones by one edit."""
    right = np.array(correct)
    table = dict.fromkeys(FIELDS, np.ones_like(right))
    table |= {"correct": right, "distance": (1 - right) * 100_000, "edits": 1 - right}
    table |= {"characters": np.full_like(right, 10), "space_hits": right}
    return np.stack([table[field] for field in FIELDS])


@given(st.integers(0, 400), st.integers(0, 400))
def test_sign_test_is_scipys_binomial_test(wins: int, losses: int) -> None:
    expected = 1.0
    if wins + losses:
        expected = scipy.stats.binomtest(losses, wins + losses, alternative="greater").pvalue
    assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(st.integers(0, 60), st.integers(0, 60))
def test_sign_test_is_half_of_statsmodels_two_sided_one(wins: int, losses: int) -> None:
    both = mcnemar([[0, wins], [losses, 0]], exact=True).pvalue
    smaller = min(sign_test(wins, losses), sign_test(losses, wins))
    assert min(1.0, 2 * smaller) == pytest.approx(both, rel=1e-9)


def tango(wins: int, losses: int, samples: int, margin: float) -> float:
    """The score test with the constrained likelihood maximised by scipy instead of in closed form.

    With the share of losses q, that of wins is q - margin and that of ties 1 - 2 q + margin.
    """

    def against(q: float) -> float:
        shares = np.array([q - margin, q, 1 - 2 * q + margin])
        counts = np.array([wins, losses, samples - wins - losses])
        return -float(scipy.special.xlogy(counts, np.maximum(shares, 0.0)).sum())

    bounds = (margin, (1 + margin) / 2)
    q = scipy.optimize.minimize_scalar(
        against, bounds=bounds, method="bounded", options={"xatol": 1e-12}
    ).x
    variance = samples * (2 * q - margin * (margin + 1))
    return float(scipy.stats.norm.sf((wins - losses + samples * margin) / math.sqrt(variance)))


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.005, 0.2))
def test_score_test_is_that_of_a_likelihood_maximised_by_scipy(
    wins: int, losses: int, margin: float
) -> None:
    expected = tango(wins, losses, 200, margin)
    assert score_test(wins, losses, 200, margin) == pytest.approx(expected, abs=1e-5)


@given(st.floats(-30.0, 30.0))
def test_normal_tail_is_scipys(z: float) -> None:
    assert normal_tail(z) == pytest.approx(scipy.stats.norm.sf(z), rel=1e-9)


def test_score_test_against_published_figures() -> None:
    # Tango 1998: 44 patients, of whom 0 and 1 discordant, margin 0.1: z = 1.709
    assert score_test(0, 1, 44, 0.1) == pytest.approx(0.0437, abs=2e-4)
    # the likelihood maximised by brute force
    assert score_test(3, 7, 200, 0.05) == pytest.approx(0.05187, abs=1e-4)
    assert score_test(0, 0, 1000, 0.0) == 1.0


@given(st.integers(0, 40), st.integers(0, 40))
def test_score_test_without_margin_is_mcnemars(wins: int, losses: int) -> None:
    if wins + losses:
        z = (wins - losses) / math.sqrt(wins + losses)
        expected = 0.5 * math.erfc(z / math.sqrt(2))
        assert score_test(wins, losses, 200, 0.0) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.0, 0.2))
def test_a_wider_margin_is_easier_to_prove(wins: int, losses: int, margin: float) -> None:
    p = [score_test(wins, losses, 200, m) for m in (margin, margin + 0.01)]
    assert 0.0 <= p[1] <= p[0] + 1e-9 <= 1.0 + 1e-9


def test_fewer_hits_is_fishers_test() -> None:
    # The lady tasting tea: 3 of 4 right is no evidence (17 / 70), 4 of 4 is (1 / 70).
    assert fewer_hits(1, 4, 3, 4) == pytest.approx(17 / 70)
    assert fewer_hits(0, 4, 4, 4) == pytest.approx(1 / 70)
    assert fewer_hits(40, 40, 40, 40) == 1.0


@given(st.data())
def test_fewer_hits_is_scipys(data: st.DataObject) -> None:
    total, other_total = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    hits, other_hits = data.draw(st.integers(0, total)), data.draw(st.integers(0, other_total))
    table = [[hits, total - hits], [other_hits, other_total - other_hits]]
    expected = scipy.stats.fisher_exact(table, alternative="less").pvalue
    assert fewer_hits(hits, total, other_hits, other_total) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_randomisation_agrees_with_scipys_over_all_swaps(seed: int) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    candidate, champion = rng.integers(0, 2, 12), rng.integers(0, 2, 12)
    expected = scipy.stats.permutation_test(
        (candidate, champion),
        lambda one, other, axis: (one - other).mean(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,  # all 2 ** 12
        alternative="less",
        vectorized=True,
    ).pvalue
    error = math.sqrt(expected * (1 - expected) / SWAPS)
    ours = randomisation_test(cells(list(candidate)), cells(list(champion)))[ACCURACY]
    assert ours == pytest.approx(expected, abs=4 * error + 1 / SWAPS)


def test_randomisation_agrees_with_the_sign_test() -> None:
    champion = [1] * 100
    candidate = [0] * 7 + [1] * 93  # exact chance 2 ** -7
    chances = randomisation_test(cells(candidate), cells(champion))
    assert chances[ACCURACY] == pytest.approx(2**-7, abs=0.006)
    assert chances == pytest.approx(np.full(4, chances[ACCURACY]))  # cer and F1 go with it
    better = randomisation_test(cells(champion), cells(candidate))
    assert better[ACCURACY] == 1.0


def test_randomisation_has_nothing_to_say_where_there_are_no_spaces() -> None:
    mine = cells([1, 0, 1])
    mine[FIELDS.index("space_hits") :] = 0
    assert randomisation_test(mine, mine)[METRICS.index("space_f1")] == 1.0


def test_bootstrap_covers_the_normal_interval() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    candidate, champion = (rng.random(800) < 0.9).astype(int), (rng.random(800) < 0.85).astype(int)
    low, high = bootstrap(cells(candidate)[None], cells(champion)[None], 0.95)[0, ACCURACY]
    gain = candidate - champion
    half = 1.96 * gain.std() / math.sqrt(800)
    assert (low, high) == pytest.approx((gain.mean() - half, gain.mean() + half), abs=0.003)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_bootstrap_agrees_with_scipys(confidence: float) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    candidate, champion = (rng.random(300) < 0.9).astype(int), (rng.random(300) < 0.8).astype(int)
    expected = scipy.stats.bootstrap(
        (candidate, champion),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        paired=True,
        method="percentile",
        confidence_level=confidence,
        n_resamples=20_000,
        rng=np.random.Generator(np.random.PCG64(6)),
    ).confidence_interval
    ends = bootstrap(cells(list(candidate))[None], cells(list(champion))[None], confidence)
    assert ends[0, ACCURACY] == pytest.approx([expected.low, expected.high], abs=0.005)


def test_bootstrap_leaves_out_what_a_slice_lacks() -> None:
    both = np.stack([cells([1, 0, 1, 1])] * 2)
    both[1] = 0  # a slice without lines
    ends = bootstrap(both, both, 0.95)
    assert np.isnan(ends[1, ACCURACY]).all()
    assert ends[0, ACCURACY].tolist() == [0.0, 0.0]
