"""Checks that blocks of the configuration make when they are built."""

from collections.abc import Collection
from typing import Any

from ocr_lib.config.reader import refuse_unknown
from ocr_lib.config.spot import FieldError, nearest


def at_least(block: Any, low: float, *names: str) -> None:
    """Raises FieldError for a field below `low`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value < low:
            raise FieldError(block, name, f"is {value}", f"Write {low} or more")


def one_of(block: Any, name: str, known: Collection[str]) -> None:
    """Raises FieldError when the field is not one of the known names."""
    value = getattr(block, name)
    if value not in known:
        raise FieldError(block, name, f"{value!r} is not known", nearest(value, known))


def known_part(block: Any, name: str, known: dict[str, set[str]]) -> None:
    """Checks name and arguments of a part; `package.module:Class` names one of the user's own."""
    part = getattr(block, name)
    if part is None or ":" in part.name:
        return
    if part.name not in known:
        cause = f"{part.name!r} is not known"
        raise FieldError(block, f"{name}.name", cause, nearest(part.name, known))
    refuse_unknown(block, part.args, known[part.name], f"{name}.")
