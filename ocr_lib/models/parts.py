"""Turning a `{name: X, **arguments}` block of a configuration into an object.

A name is looked up in a closed table; `package.module:Class` imports a custom part,
where the process that opens the configuration allows it. Arguments are checked against the
constructor's signature before it is called.
"""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from paddle import nn

from ocr_lib.config.custom_parts import FORM, NO_PARTS, AllowedParts, import_part, is_custom
from ocr_lib.errors import ConfigError

Table = Mapping[str, type]


def construct(
    table: Table,
    block: Mapping[str, Any],
    where: str,
    allowed_parts: AllowedParts = NO_PARTS,
    **supplied: Any,
) -> Any:
    """Builds the part that a configuration block describes.

    Args:
        table: the known names and their classes.
        block: `name` and the arguments that the user wrote.
        where: the configuration key of the block, for error messages.
        allowed_parts: custom parts that may be imported.
        **supplied: arguments that the program provides (`in_channels`, …); those the constructor
            does not take are left out.

    Raises:
        ConfigError: the name or an argument is unknown, a required argument is missing, or the
            part is not allowed.
    """
    arguments = dict(block)
    name = arguments.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"{where}.name", "no name is given", f"Set it to {_choices(table)}")
    part = find(table, name, f"{where}.name", allowed_parts)
    return call_checked(part, arguments, where, **supplied)


def find(table: Table, name: str, where: str, allowed_parts: AllowedParts = NO_PARTS) -> type:
    """Returns the class called `name`; a custom layer is imported if it is allowed."""
    if name in table:
        return table[name]
    if is_custom(name):
        return import_part(name, nn.Layer, allowed_parts, where)
    raise ConfigError(
        where,
        f"unknown name {name!r}",
        f"{nearest(name, table)}Use {_choices(table)} or {FORM}",
    )


def call_checked(part: type, arguments: Mapping[str, Any], where: str, **supplied: Any) -> Any:
    """Calls a constructor after checking the user's arguments against its signature.

    A constructor with `**arguments` checks those itself: it hands them to a part of its own.
    """
    parameters = dict(inspect.signature(part).parameters)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    supplied = {k: v for k, v in supplied.items() if k in parameters}
    allowed = [
        k for k, p in parameters.items() if k not in supplied and p.kind is not p.VAR_KEYWORD
    ]
    for key in arguments:
        if key not in allowed and not takes_any:
            fix = f"{nearest(key, allowed)}{part.__name__} takes {', '.join(allowed) or 'nothing'}"
            raise ConfigError(f"{where}.{key}", f"unknown argument {key!r}", fix)
    for key in allowed:
        if parameters[key].default is inspect.Parameter.empty and key not in arguments:
            raise ConfigError(f"{where}.{key}", f"{part.__name__} needs it", f"Set {where}.{key}")
    return part(**supplied, **arguments)


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns "Did you mean X? " for the closest known word, or an empty string."""
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f"Did you mean {by_lower[close[0]]}? " if close else ""


def choose(value: Any, known: Iterable[Any], where: str) -> Any:
    """Returns `value` if it is one of `known`.

    Raises:
        ConfigError: it is not; the message names the nearest.
    """
    known = list(known)
    if value not in known:
        hint = nearest(str(value), [str(k) for k in known])
        choices = ", ".join(str(k) for k in known)
        raise ConfigError(where, f"unknown value {value!r}", f"{hint}Use one of {choices}")
    return value


def _choices(table: Table) -> str:
    return "one of " + ", ".join(sorted(table))
