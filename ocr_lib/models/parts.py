"""Turning a `{name: X, **arguments}` block of a configuration into an object.

A name is looked up in a closed table; `package.module:Class` imports a part of the user's own.
Arguments are checked against the constructor's signature before it is called.
"""

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from ocr_lib.errors import ConfigError

Table = Mapping[str, type]


def construct(table: Table, block: Mapping[str, Any], where: str, **supplied: Any) -> Any:
    """Builds the part that a configuration block describes.

    Args:
        table: the known names and their classes.
        block: `name` and the arguments that the user wrote.
        where: the configuration key of the block, for error messages.
        **supplied: arguments that the program provides (`in_channels`, …); those the constructor
            does not take are left out.

    Raises:
        ConfigError: the name or an argument is unknown, or a required argument is missing.
    """
    arguments = dict(block)
    name = arguments.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(f"{where}.name", "no name is given", f"set it to {_choices(table)}")
    part = find(table, name, f"{where}.name")
    return call_checked(part, arguments, where, **supplied)


def find(table: Table, name: str, where: str) -> type:
    """Returns the class called `name`, or imports it where the name reads `module:Class`."""
    if name in table:
        return table[name]
    if ":" in name:
        return _import_part(name, where)
    raise ConfigError(
        where,
        f"unknown name {name!r}",
        f"{nearest(name, table)}Use {_choices(table)} or package.module:Class",
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
            raise ConfigError(f"{where}.{key}", f"{part.__name__} needs it", f"set {where}.{key}")
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


def _import_part(name: str, where: str) -> type:
    module_name, _, class_name = name.partition(":")
    try:
        part = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        fix = "write package.module:Class, of a module on PYTHONPATH"
        raise ConfigError(where, f"cannot import {name!r} ({error})", fix) from error
    if not isinstance(part, type):
        raise ConfigError(where, f"{name!r} is not a class", "name a paddle.nn.Layer subclass")
    return part
