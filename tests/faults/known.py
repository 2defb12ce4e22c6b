"""Faults that are not mended yet: a case, or a pattern of cases → why.

They count as bad, and do not fail the suite; one that is mended does, until it is taken out here.
"""

from fnmatch import fnmatchcase

KNOWN: dict[str, str] = {
    "grpc/classes-of-[!S]*": "Triton 2.51, of the wheel nvidia-pytriton, divides by zero when it "
    "is asked for the classes of a text; later ones refuse it",
}


def known(case: str) -> str | None:
    """Returns the pattern that a case is known under."""
    return next((pattern for pattern in KNOWN if fnmatchcase(case, pattern)), None)
