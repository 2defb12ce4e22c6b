"""What a test set can show: how likely the gate refuses a model that is worse by so much.

`ocr gate-rates` simulates the whole gate; this is its main part, the accuracy, in closed form, so
that it can be said before a training begins.
"""

import math
from statistics import NormalDist

from ocr_lib.gate.thresholds import Thresholds

DISAGREEMENT = 0.06  # share of samples on which exactly one of two models is right, as `gate-rates`
DROPS = (0.01, 0.02, 0.03)


def refusal_probability(
    samples: int, drop: float, limits: Thresholds, disagreement: float = DISAGREEMENT
) -> float:
    """Returns how likely the accuracy refuses a candidate, by the normal approximation.

    Args:
        samples: of the test set.
        drop: how far the candidate's true accuracy is below the champion's, as a share of 1; 0 is
            an equally good one.
        limits: the gate's thresholds.
        disagreement: share of samples on which exactly one of the two models is right, above
            `drop`.
    """
    normal = NormalDist()
    spread = math.sqrt(samples * disagreement)  # of lost minus won samples, if they were equal
    bounds = [
        samples * limits.max_accuracy_drop,
        normal.inv_cdf(1.0 - limits.significance_level) * spread,  # the paired test
    ]
    proven = normal.inv_cdf(limits.confidence) * spread
    if limits.proof == "no worse":
        bounds.append(samples * limits.max_accuracy_drop - proven)
    if limits.proof == "better":
        bounds.append(-proven)
    lost = samples * drop
    deviation = math.sqrt(samples * (disagreement - drop**2))
    return normal.cdf((lost - min(bounds) - 0.5) / deviation)  # 0.5: samples are whole


def describe_power(samples: int, limits: Thresholds) -> str:
    """Says what a test set of this size can show, in a sentence or two."""
    chances = ", ".join(
        f"{100 * drop:g} point{'s' if drop > 0.01 else ''} with probability "
        f"{refusal_probability(samples, drop, limits):.2f}"
        for drop in DROPS
    )
    equal = refusal_probability(samples, 0.0, limits)
    text = (
        f"With {samples:,} test samples the gate finds a drop in accuracy of {chances}; it refuses "
        f"an equally good model with probability {equal:.2f} (where the two models differ on "
        f"{DISAGREEMENT:.0%} of the samples)."
    )
    if samples < limits.min_samples:
        text += f" It accepts none on fewer than {limits.min_samples:,} samples."
    return text
