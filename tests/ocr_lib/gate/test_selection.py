"""Choosing a checkpoint where the gate decides, and elsewhere."""

import numpy as np
import pytest

from ocr_lib.gate import Thresholds
from ocr_lib.gate.selection import CHOSEN_ON, CheckpointSelection, _Runs, refusals_after_selection
from ocr_lib.gate.simulation import Scenario

# 1,000 draws at a rate of 5 % are within 3.5 standard deviations below this.
DRAWS, AT_MOST = 1000, 0.05 + 3.5 * (0.05 * 0.95 / 1000) ** 0.5
EQUAL = Scenario(samples=2000)
BETTER = Thresholds(proof="better")
RUN = {"checkpoints": 8, "correlation": 0.8}


@pytest.mark.parametrize("difference", [0.0, -0.02])
@pytest.mark.parametrize("correlation", [0.7, 0.8, 0.95])
def test_models_agree_as_often_as_they_are_said_to(difference: float, correlation: float) -> None:
    scenario = Scenario(samples=300_000, difference=difference)
    runs = _Runs(scenario, CheckpointSelection(checkpoints=2, correlation=correlation), seed=3)
    (champion, other), (candidate, _) = runs._outcomes(scenario.samples, (2, 2))
    assert champion.mean() == pytest.approx(0.9, abs=0.003)
    assert candidate.mean() == pytest.approx(0.9 + difference, abs=0.003)
    assert np.corrcoef(champion, other)[0, 1] == pytest.approx(correlation, abs=0.01)
    assert (champion & ~candidate).mean() == pytest.approx(scenario.losses, abs=0.002)
    assert (candidate & ~champion).mean() == pytest.approx(scenario.gains, abs=0.002)


@pytest.mark.slow
def test_the_stated_rate_holds_where_a_validation_set_chooses() -> None:
    selection = CheckpointSelection(**RUN)  # type: ignore[arg-type]
    found = refusals_after_selection(EQUAL, selection, BETTER, DRAWS)
    assert 1 - found["refused"] / DRAWS <= AT_MOST


@pytest.mark.slow
def test_it_does_not_hold_where_the_test_set_chooses() -> None:
    selection = CheckpointSelection(**RUN, chosen_on="test")  # type: ignore[arg-type]
    found = refusals_after_selection(EQUAL, selection, BETTER, DRAWS)
    assert 1 - found["refused"] / DRAWS > AT_MOST


def test_one_checkpoint_is_no_choice() -> None:
    rates = {
        refusals_after_selection(
            EQUAL, CheckpointSelection(checkpoints=1, chosen_on=chosen_on), Thresholds(), 20
        )["refused"]
        for chosen_on in CHOSEN_ON[:2]
    }
    assert len(rates) == 1


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"checkpoints": 0}, "nothing can be chosen like"),
        ({"correlation": 1.5}, "nothing can be chosen like"),
        ({"validation_samples": 0}, "nothing can be chosen like"),
        ({"correlation": 0.3}, r"agree less \(correlation 0.3\) than candidate and champion do"),
    ],
)
def test_what_cannot_be_is_refused(numbers: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        refusals_after_selection(EQUAL, CheckpointSelection(**numbers), BETTER, 1)  # type: ignore[arg-type]
