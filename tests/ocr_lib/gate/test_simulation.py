"""The gate's error rates, by simulation, against the confidence that it states."""

from collections import Counter
from functools import cache

import pytest

from ocr_lib.gate import Thresholds
from ocr_lib.gate.simulation import Scenario, Simulation, refusals

DRAWS = 1000
CONFIDENCE = 0.95
# 1,000 draws at a true rate of 5 % show more than 7.1 % once in a thousand times.
MOST = 71
TESTED = ("paired test", "norm_edit_dis drop", "cer rise", "space_f1 drop", "slices", "characters")

# With budgets of nothing, every row that tests against chance refuses all that it shows worse.
STRICT = Thresholds(
    confidence=CONFIDENCE, max_accuracy_drop=1.0, max_norm_edit_dis_drop=0.0, max_cer_rise=0.0,
    max_space_f1_drop=0.0, max_slice_drop=0.0, max_recall_drop=0.0,
)  # fmt: skip


@cache
def refused(difference: float, samples: int, thresholds: Thresholds) -> Counter[str]:
    kind = Scenario(samples=samples, difference=difference)
    return refusals(kind, thresholds, DRAWS)


@pytest.mark.parametrize("samples", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_an_equal_candidate_fails_any_test_at_most_as_stated(samples: int) -> None:
    found = refused(0.0, samples, STRICT)
    assert set(found) <= {*TESTED, "refused"}
    assert found["refused"] <= MOST


def test_no_test_takes_more_than_its_share() -> None:
    found = refused(0.0, 2000, STRICT)
    assert found["paired test"] <= 25  # a quarter of 5 %: more than 25 once in a thousand times
    assert found["slices"] <= 25
    assert found["characters"] <= 25
    assert sum(found[name] for name in TESTED[1:4]) <= 25


@pytest.mark.slow
def test_a_better_candidate_is_hardly_ever_refused() -> None:
    assert refused(0.02, 2000, Thresholds())["refused"] <= 1


@pytest.mark.slow
def test_a_clearly_worse_candidate_is_hardly_ever_accepted() -> None:
    assert refused(-0.03, 2000, Thresholds())["refused"] >= DRAWS - 1


@pytest.mark.slow
def test_no_worse_accepts_what_is_worse_by_the_margin_at_most_as_stated() -> None:
    limits = Thresholds(proof="no worse", confidence=CONFIDENCE, max_accuracy_drop=0.01)
    found = refused(-0.01, 2000, limits)
    assert DRAWS - found["proof"] <= MOST
    assert DRAWS - found["refused"] <= MOST


def test_no_worse_accepts_equal_candidates_given_enough_lines() -> None:
    limits = Thresholds(proof="no worse", max_accuracy_drop=0.01)
    kind = Scenario(samples=8000, difference=0.0)
    assert refusals(kind, limits, 200)["refused"] <= 20


@pytest.mark.slow
def test_better_accepts_what_is_only_equal_at_most_as_stated() -> None:
    limits = Thresholds(proof="better", confidence=CONFIDENCE)
    found = refused(0.0, 2000, limits)
    assert DRAWS - found["refused"] <= MOST


def test_better_accepts_what_is_better() -> None:
    limits = Thresholds(proof="better")
    assert refusals(Scenario(difference=0.02), limits, 200)["refused"] <= 20


def test_simulated_models_differ_as_asked() -> None:
    kind = Scenario(samples=20_000, accuracy=0.8, difference=-0.02, disagreement=0.1)
    candidate, champion = Simulation(kind).draw()
    pairs = Counter(zip(candidate.outcomes, champion.outcomes, strict=True))
    assert pairs[1, 0] / 20_000 == pytest.approx(0.04, abs=0.005)
    assert pairs[0, 1] / 20_000 == pytest.approx(0.06, abs=0.006)
    assert champion.accuracy == pytest.approx(0.8, abs=0.01)


def test_equal_seeds_give_equal_draws() -> None:
    kind = Scenario(samples=200)
    assert Simulation(kind, 3).draw() == Simulation(kind, 3).draw()
    assert Simulation(kind, 3).draw() != Simulation(kind, 4).draw()
