"""Turning a `{name: X, **arguments}` block of a configuration into an object.

A name is looked up in a closed table; `package.module:Class` imports a custom part,
where the process that opens the configuration allows it. A part of this package declares its
arguments as a dataclass `Config` inside its class; those of a custom part are the arguments of its
constructor. Either is filled by `ocr_lib.config.parse`.
"""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import field, make_dataclass
from typing import Any

from paddle import nn

from ocr_lib.config.component import Table, check_name
from ocr_lib.config.custom_parts import FORM, NO_PARTS, AllowedParts, import_part, is_custom
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ANY_KEYS, ComponentConfig, keys_of, parse

__all__ = ["Table", "build", "construct"]


def construct(
    table: Table,
    config: ComponentConfig,
    location: SourceLocation,
    allowed_parts: AllowedParts = NO_PARTS,
    **supplied: Any,
) -> Any:
    """Builds the part that a configuration block describes.

    Args:
        table: the known names and their classes.
        config: the part's name and the arguments that the user wrote.
        location: where they wrote it.
        allowed_parts: custom parts that may be imported.
        **supplied: as for `build`.

    Raises:
        ConfigError: the name or an argument is unknown, a value is of the wrong type or out of
            range, a required argument is missing, or the part is not allowed.
    """
    if is_custom(config.name):
        where = str(location.child("name"))
        part = import_part(config.name, nn.Layer, allowed_parts, where)
    else:
        check_name([*table, FORM], config.name, location.child("name"))
        part = table[config.name]
    return build(part, config.args, location, **supplied)


def build(
    part: type, arguments: Mapping[str, Any], location: SourceLocation, **supplied: Any
) -> Any:
    """Builds a part from the arguments that the user wrote.

    Args:
        part: its class.
        arguments: of the user.
        location: where they are written.
        **supplied: arguments that the program provides (`in_channels`, …); those that the
            constructor does not take are left out.

    Raises:
        ConfigError: an argument is unknown, missing, of the wrong type or out of range.
    """
    parameters = inspect.signature(part).parameters
    offered = {**supplied, "location": location}
    supplied = {name: value for name, value in offered.items() if name in parameters}
    declared = getattr(part, "Config", None)
    if declared is not None:
        return part(parse(declared, arguments, location, part.__name__), **supplied)
    parsed = parse(_config_of(part, supplied), arguments, location, part.__name__)
    given = {item.name: getattr(parsed, item.name) for item in keys_of(type(parsed))}
    return part(**supplied, **given, **getattr(parsed, "more", {}))


def _config_of(part: type, supplied: Collection[str]) -> Any:
    """Returns the dataclass that a custom part's constructor amounts to."""
    items: list[tuple[str, Any, Any]] = []
    for name, parameter in inspect.signature(part).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            items.append(("more", Any, field(default_factory=dict, metadata=ANY_KEYS)))
        elif parameter.kind is not parameter.VAR_POSITIONAL and name not in supplied:
            items.append((name, _kind(parameter), _field(parameter.default)))
    return make_dataclass(part.__name__, items, kw_only=True)


def _kind(parameter: inspect.Parameter) -> Any:
    """Returns an annotation; one in quotes, or none, lets any value pass."""
    kind = parameter.annotation
    return Any if kind is parameter.empty or isinstance(kind, str) else kind


def _field(default: Any) -> Any:
    return field() if default is inspect.Parameter.empty else field(default_factory=lambda: default)
