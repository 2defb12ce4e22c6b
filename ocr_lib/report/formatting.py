"""How figures are written in reports."""

import math

Z_95 = 1.959964  # two-sided 95 % of the normal distribution
MANY_DECISIONS = 50  # of one test set: by then it has chosen what reads it well


def percent(value: float) -> str:
    """Writes a share of 1 as a percentage with two decimals."""
    return f"{value:.2%}"


def points(change: float) -> str:
    """Writes a difference of two shares in percentage points, with its sign."""
    return f"{signed(change)} points"


def signed(change: float) -> str:
    """Writes a difference of two shares in percentage points, without the unit."""
    return f"{'−' if change < 0 else '+'}{abs(change) * 100:.2f}"


def judged(decisions: int) -> str:
    """Says how many candidates a test set has judged, and what that means where they are many."""
    text = f"This test set has judged {decisions:,} candidate{'s' if decisions > 1 else ''}."
    if decisions >= MANY_DECISIONS:
        text += " After this many it is no longer blind: renew it."
    return text


def wilson(correct: float, total: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share of which `correct` of `total` were seen.

    Source: Wilson (1927); unlike the normal interval it stays within 0 and 1.
    """
    share = correct / total
    scale = 1 + Z_95**2 / total
    centre = share + Z_95**2 / (2 * total)
    half = Z_95 * math.sqrt(share * (1 - share) / total + Z_95**2 / (4 * total**2))
    return (centre - half) / scale, (centre + half) / scale
