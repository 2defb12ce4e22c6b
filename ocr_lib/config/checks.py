"""Checks that blocks of the configuration make when they are built."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ocr_lib.config.names import Arguments
from ocr_lib.config.reader import Part, key_of, keys_of, read_value
from ocr_lib.config.spot import FieldError, Spot, nearest
from ocr_lib.errors import ConfigError


def at_least(block: Any, low: float, *names: str) -> None:
    """Raises FieldError for a field below `low`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value < low:
            raise FieldError(block, name, f"is {value}", f"Write {low} or more")


def above(block: Any, low: float, *names: str) -> None:
    """Raises FieldError for a field that is not above `low`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value <= low:
            raise FieldError(block, name, f"is {value}", f"Write more than {low}")


def below(block: Any, high: float, *names: str) -> None:
    """Raises FieldError for a field that is not below `high`; None passes."""
    for name in names:
        value = getattr(block, name)
        if value is not None and value >= high:
            raise FieldError(block, name, f"is {value}", f"Write less than {high}")


def one_of(block: Any, name: str, known: Collection[str]) -> None:
    """Raises FieldError when the field is not one of the known names."""
    value = getattr(block, name)
    if value not in known:
        raise FieldError(block, name, f"is {value!r}, which is not known", nearest(value, known))


def known_keys(block: Any, written: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises FieldError when the collected keys of a block hold one that is not known."""
    own = {key_of(item) for item in keys_of(type(block))}
    for key in written:
        if key not in known:
            raise FieldError(block, key, "is not a known key", nearest(key, {*known, *own}))


def known_part(
    block: Any,
    field: str,
    known: Mapping[str, Arguments],
    required: Mapping[str, Sequence[str]] = {},
) -> None:
    """Checks a part: that its name is known, and its arguments by name and kind."""
    part: Part | None = getattr(block, field)
    if part is None:
        return
    if part.name not in known:
        cause = f"is {part.name!r}, which is not known"
        raise FieldError(block, f"{field}.name", cause, nearest(part.name, known))
    for name in required.get(part.name, ()):
        if name not in part.args:
            raise FieldError(block, field, f"{part.name} needs {name}", f"Write {name} there")
    args = checked_arguments(block, part, known[part.name], f"{field}.")
    object.__setattr__(block, field, Part(part.name, args))


def checked_arguments(block: Any, part: Part, known: Arguments, prefix: str = "") -> dict[str, Any]:
    """Returns a part's arguments, with a number for `'1e-3'`.

    Raises:
        FieldError: an argument is not known, or of another kind.
    """
    own = () if prefix else map(key_of, keys_of(type(block)))
    near = {*known, *own}
    checked = dict(part.args)
    for key, value in part.args.items():
        if key not in known:
            cause = f"is not an argument of {part.name}"
            raise FieldError(block, prefix + key, cause, nearest(key, near))
        try:
            read = value if value is None else read_value(known[key], value, Spot((), {}))
        except ConfigError as error:
            raise FieldError(block, prefix + key, error.cause, error.fix) from None
        if isinstance(value, str):
            checked[key] = read
    return checked
