"""Range checks that dataclasses of a configuration make when they are built."""

from collections.abc import Collection
from typing import Any

from ocr_lib.config.location import FieldError


def at_least(block: object, low: float, *names: str) -> None:
    """Raises FieldError for a field below `low`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value < low:
            raise FieldError(block, name, f"is {value}", f"Write {low} or more")


def above(block: object, low: float, *names: str) -> None:
    """Raises FieldError for a field that is not above `low`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value <= low:
            raise FieldError(block, name, f"is {value}", f"Write more than {low}")


def below(block: object, high: float, *names: str) -> None:
    """Raises FieldError for a field that is not below `high`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value >= high:
            raise FieldError(block, name, f"is {value}", f"Write less than {high}")


def one_of(block: object, known: Collection[Any], *names: str) -> None:
    """Raises FieldError for a field that is not one of the known values."""
    for name in names:
        value = getattr(block, name)
        if value not in known:
            fix = f"Known: {', '.join(map(str, known))}"
            raise FieldError(block, name, f"is {value}, which is not known", fix)


def probability(block: object, *names: str) -> None:
    """Raises FieldError for a field that is not from 0 to 1."""
    for name in names:
        value = getattr(block, name)
        if not 0 <= value <= 1:
            raise FieldError(block, name, f"is {value}", "Give a probability, from 0 to 1")
