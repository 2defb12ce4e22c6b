import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.evaluation.block_counts import FIELDS, METRICS
from ocr_lib.gate.statistics import bootstrap, fewer_hits, randomisation_test, score_test

ACCURACY = METRICS.index("accuracy")


def cells(correct: list[int]) -> np.ndarray:
    """Sums [fields, blocks] of one line a block, each of ten characters, wrong ones by one edit."""
    right = np.array(correct)
    table = dict.fromkeys(FIELDS, np.ones_like(right))
    table |= {"correct": right, "distance": (1 - right) * 100_000, "edits": 1 - right}
    table |= {"characters": np.full_like(right, 10), "space_hits": right}
    return np.stack([table[field] for field in FIELDS])


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


def test_bootstrap_leaves_out_what_a_slice_lacks() -> None:
    both = np.stack([cells([1, 0, 1, 1])] * 2)
    both[1] = 0  # a slice without lines
    ends = bootstrap(both, both, 0.95)
    assert np.isnan(ends[1, ACCURACY]).all()
    assert ends[0, ACCURACY].tolist() == [0.0, 0.0]
