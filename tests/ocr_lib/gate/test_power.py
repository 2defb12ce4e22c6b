"""The closed form against the gate itself, and what it says."""

import pytest

from ocr_lib.gate import Thresholds
from ocr_lib.gate.power import describe_power, refusal_probability
from ocr_lib.gate.simulation import Scenario, refusals

DRAWS = 400
ROWS = ("accuracy drop", "paired test", "proof")


@pytest.mark.parametrize("proof", ["none", "no worse", "better"])
@pytest.mark.parametrize(
    ("samples", "drop"), [(500, 0.02), (2000, 0.0), (2000, 0.01), (2000, 0.03)]
)
def test_it_is_what_the_gate_does(samples: int, drop: float, proof: str) -> None:
    # Only the rows about accuracy: the others have budgets that are never reached.
    limits = Thresholds(
        proof=proof,
        max_norm_edit_dis_drop=1.0,
        max_cer_rise=1.0,
        max_space_f1_drop=1.0,
        max_slice_drop=1.0,
        max_recall_drop=1.0,
    )
    scenario = Scenario(samples=samples, difference=-drop)
    found = refusals(scenario, limits, DRAWS, seed=11)
    assert set(found) <= {"refused", *ROWS}
    expected = refusal_probability(samples, drop, limits)
    tolerance = 0.02 + 4 * (expected * (1 - expected) / DRAWS) ** 0.5
    assert found["refused"] / DRAWS == pytest.approx(expected, abs=tolerance)


def test_more_samples_find_more() -> None:
    rates = [refusal_probability(n, 0.02, Thresholds()) for n in (200, 1000, 5000, 10**7)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(1.0)
    equal = [refusal_probability(n, 0.0, Thresholds()) for n in (200, 1000, 5000, 10**7)]
    assert equal[0] > equal[1] > equal[2]
    assert equal[-1] == pytest.approx(Thresholds().significance_level, rel=0.01)


def test_it_is_said_with_its_numbers() -> None:
    text = describe_power(80, Thresholds())
    assert text.startswith("With 80 test samples the gate finds a drop in accuracy of 1 point with")
    assert "3 points with probability 0." in text
    assert text.endswith("It accepts none on fewer than 100 samples.")
