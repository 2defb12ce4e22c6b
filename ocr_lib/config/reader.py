"""Plain values → typed blocks and back: a dataclass's annotations are the schema that is checked.

A block is a dataclass. Its field names are the keys, or `key` in the field's metadata where the
key is no Python name; a field marked COLLECTS takes the keys that no other field has, and the
block's `__post_init__` says which of those it knows. Null means what leaving the key out means.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ocr_lib.config.spot import FieldError, Spot, nearest

Block = TypeVar("Block")
COLLECTS = {"collects": True}  # metadata of the field that takes the keys no other field has
UNWRITTEN = {"unwritten": True}  # metadata of a field that is no key

_SCALARS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text; a number or true/false in quotes",
}


@dataclass(frozen=True, slots=True)
class Part:
    """An open part of the configuration: a head, a loss, a schedule, a transform.

    Attributes:
        name: which one.
        args: what its constructor gets.
    """

    name: str
    args: dict[str, Any] = field(default_factory=dict)

    def as_block(self) -> dict[str, Any]:
        """Returns the form `{name: X, **args}` that blocks have."""
        return {"name": self.name, **self.args}

    def as_entry(self) -> dict[str, Any]:
        """Returns the form `{X: args}` that entries of the list of transforms have."""
        return {self.name: self.args or None}


def read_block(cls: type[Block], values: Any, spot: Spot) -> Block:
    """Reads a mapping into the dataclass `cls`.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of range.
    """
    hints = get_type_hints(cls)
    named = {key_of(f): f for f in keys_of(cls)}
    rest = collecting(cls)
    arguments: dict[str, Any] = {rest: {}} if rest else {}
    for key, value in read_mapping(values, spot).items():
        if key in named and value is not None:
            item = named[key]
            arguments[item.name] = _read_field(item, hints[item.name], value, spot.child(key))
        elif key not in named and rest:
            arguments[rest][key] = value
        elif key not in named:
            raise spot.child(key).error("is not a known key", nearest(key, named))
    for item in named.values():
        if item.name not in arguments and item.default is item.default_factory is MISSING:
            raise spot.child(key_of(item)).error("is missing", "Write this block")
    try:
        return cls(**arguments)
    except FieldError as error:
        keys = {item.name: key for key, item in named.items()}
        path = (keys.get(str(error.path[0]), error.path[0]), *error.path[1:])
        spot = Spot((*spot.path, *path), spot.places)
        raise spot.error(error.cause, error.fix) from None


def write_block(block: Any) -> dict[str, Any]:
    """Returns the mapping that `read_block` reads into an equal block; None is left out."""
    values: dict[str, Any] = {}
    for item in keys_of(type(block)):
        value = getattr(block, item.name)
        if value is not None:
            values[key_of(item)] = _plain(value)
    rest = collecting(type(block))
    return values | getattr(block, rest) if rest else values


def keys_of(cls: Any) -> list[Any]:
    """Returns the fields of a block that each stand for one key."""
    marks = (COLLECTS, UNWRITTEN)
    return [f for f in fields(cls) if all(f.metadata != mark for mark in marks)]


def key_of(item: Any) -> str:
    """Returns the key that a field stands for."""
    return str(item.metadata.get("key", item.name))


def collecting(cls: Any) -> str | None:
    """Returns the name of the field that takes the keys which no other field has."""
    return next((f.name for f in fields(cls) if f.metadata == COLLECTS), None)


def read_value(kind: Any, value: Any, spot: Spot) -> Any:
    """Returns `value` as the annotation `kind` wants it.

    Raises:
        ConfigError: it is something else.
    """
    if isinstance(kind, UnionType):  # X | None: None never gets here
        kind = get_args(kind)[0]
    if kind is Part:
        return _read_part(value, spot)
    if is_dataclass(kind):
        return read_block(kind, value, spot)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        return _read_list(get_args(kind), value, spot)
    if get_origin(kind) is dict:
        return dict(read_mapping(value, spot))
    return value if kind is Any else _read_scalar(kind, value, spot)


def read_mapping(values: Any, spot: Spot) -> Mapping[str, Any]:
    """Returns a mapping as it is, null as an empty one."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise spot.error(f"is {values!r}, not a block of keys", "Indent its keys below it")
    return values


def _read_field(item: Any, kind: Any, value: Any, spot: Spot) -> Any:
    if "default_name" in item.metadata and isinstance(value, Mapping):
        value = {"name": item.metadata["default_name"], **value}
    return read_value(kind, value, spot)


def _read_scalar(kind: Any, value: Any, spot: Spot) -> Any:
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):  # plain YAML 1.1 reads 1e-3 as a text
            value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise spot.error(f"is {value!r}", f"Write {_SCALARS[kind]}")
    return value


def _read_list(kinds: tuple[Any, ...], value: Any, spot: Spot) -> tuple[Any, ...]:
    """Reads `tuple[X, ...]` or `tuple[X, X]`; one value stands for a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    if kinds[-1] is not Ellipsis and len(items) != len(kinds):
        raise spot.error(f"is {value!r}", f"Write a list of {len(kinds)}")
    read = _read_entry if kinds[0] is Part else lambda v, s: read_value(kinds[0], v, s)
    return tuple(read(item, spot.child(i)) for i, item in enumerate(items))


def _read_part(value: Any, spot: Spot) -> Part:
    args = dict(read_mapping(value, spot))
    if not isinstance(args.get("name"), str):
        raise spot.error("has no name", "Say which one: name: …")
    return Part(args.pop("name"), args)


def _read_entry(value: Any, spot: Spot) -> Part:
    if isinstance(value, str):
        return Part(value)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise spot.error(f"is {value!r}", "Write one name with its arguments, - Name: {…}")
    [(name, args)] = value.items()
    return Part(name, dict(read_mapping(args, spot.child(name))))


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.as_block()
    if is_dataclass(value):
        return write_block(value)
    if isinstance(value, tuple):
        return [v.as_entry() if isinstance(v, Part) else _plain(v) for v in value]
    return value
