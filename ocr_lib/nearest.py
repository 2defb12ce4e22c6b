"""The known name that a misspelt one is nearest to."""

from collections.abc import Iterable
from difflib import get_close_matches

FEW = 20  # known names listed in an error when none is near


def nearest(name: str, known: Iterable[str], otherwise: str = "See docs/configuration.md") -> str:
    """Returns the next step for an unknown name: the nearest known one, or all if few.

    Args:
        name: what was written.
        known: the names there are.
        otherwise: the next step when there are many and none is near.
    """
    by_lower = {k.lower(): k for k in sorted(known)}
    match = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    if match:
        return f"The nearest known name is {by_lower[match[0]]}"
    if not by_lower:
        return "Leave it out"
    if len(by_lower) <= FEW:
        return f"Known: {', '.join(by_lower.values())}"
    return otherwise
