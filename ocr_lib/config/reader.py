"""Plain values → typed blocks and back: a dataclass's annotations are the schema that is checked.

A block is a dataclass. Its field names are the keys, or `key=` in the field's metadata where the
key is no Python name; a field made marked COLLECTS takes the keys that no other field has, and
the block's `__post_init__` says which of those it knows. Null means what leaving the key out means.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ocr_lib.config.spot import FieldError, Spot, nearest

Block = TypeVar("Block")
COLLECTS = {"collects": True}  # metadata of the field that takes the keys no other field has

_SCALARS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text (put it in quotes)",
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


def refuse_unknown(block: Any, written: dict[str, Any], known: Any, prefix: str = "") -> None:
    """Raises FieldError when `written` has a key that is not in `known`."""
    own = {_key(f) for f in fields(block) if not f.metadata.get("collects")} if not prefix else ()
    for key in written:
        if key not in known:
            fix = nearest(key, {*known, *own})
            raise FieldError(block, f"{prefix}{key}", "is not a known key", fix)


def read_block(cls: type[Block], values: Any, spot: Spot) -> Block:
    """Reads a mapping into the dataclass `cls`.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of range.
    """
    hints = get_type_hints(cls)
    named = {_key(f): f for f in fields(cls) if not f.metadata.get("collects")}  # type: ignore[arg-type]
    rest = next((f.name for f in fields(cls) if f.metadata.get("collects")), None)  # type: ignore[arg-type]
    arguments: dict[str, Any] = {rest: {}} if rest else {}
    for key, value in _mapping(values, spot).items():
        if key in named:
            if value is not None:
                arguments[named[key].name] = _field(named[key], hints, value, spot.child(key))
        elif rest:
            arguments[rest][key] = value
        else:
            raise spot.child(key).error("is not a known key", nearest(key, named))
    try:
        return cls(**arguments)
    except FieldError as error:
        for key in error.field.split("."):
            spot = spot.child(key)
        raise spot.error(error.cause, error.fix) from None


def write_block(block: Any) -> dict[str, Any]:
    """Returns the mapping that `read_block` reads into an equal block; None is left out."""
    values: dict[str, Any] = {}
    for item in fields(block):
        value = getattr(block, item.name)
        if item.metadata.get("collects"):
            values.update(value)
        elif value is not None:
            values[_key(item)] = _plain(value)
    return values


def _key(item: Any) -> str:
    return str(item.metadata.get("key", item.name))


def _mapping(values: Any, spot: Spot) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise spot.error(f"is {values!r}, not a block of keys", "Indent its keys below it")
    return values


def _field(item: Any, hints: dict[str, Any], value: Any, spot: Spot) -> Any:
    if "default_name" in item.metadata and isinstance(value, dict):
        value = {"name": item.metadata["default_name"], **value}
    return _value(hints[item.name], value, spot)


def _value(kind: Any, value: Any, spot: Spot) -> Any:
    if isinstance(kind, UnionType):  # X | None: None never gets here
        kind = get_args(kind)[0]
    if kind is Part:
        return _part(value, spot)
    if is_dataclass(kind):
        return read_block(kind, value, spot)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        return _list(get_args(kind), value, spot)
    if get_origin(kind) is dict:
        return _mapping(value, spot)
    return _scalar(kind, value, spot)


def _scalar(kind: Any, value: Any, spot: Spot) -> Any:
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):  # YAML 1.1 reads '1e-3' as a text
            value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise spot.error(f"is {value!r}", f"Write {_SCALARS[kind]}")
    return value


def _list(kinds: tuple[Any, ...], value: Any, spot: Spot) -> tuple[Any, ...]:
    """Reads `tuple[X, ...]` or `tuple[X, X]`; one value stands for a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    if kinds[-1] is not Ellipsis and len(items) != len(kinds):
        raise spot.error(f"has {len(items)} entries", f"Write a list of {len(kinds)}")
    read = _entry if kinds[0] is Part else lambda v, s: _value(kinds[0], v, s)
    return tuple(read(item, spot.child(i)) for i, item in enumerate(items))


def _part(value: Any, spot: Spot) -> Part:
    args = dict(_mapping(value, spot))
    if not isinstance(args.get("name"), str):
        raise spot.error("has no name", "Say which one: name: …")
    return Part(args.pop("name"), args)


def _entry(value: Any, spot: Spot) -> Part:
    if isinstance(value, str):
        return Part(value)
    if not isinstance(value, dict) or len(value) != 1:
        raise spot.error(f"is {value!r}", "Write one name with its arguments, - Name: {…}")
    [(name, args)] = value.items()
    return Part(name, dict(_mapping(args, spot.child(name))))


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.as_block()
    if is_dataclass(value):
        return write_block(value)
    if isinstance(value, tuple):
        return [v.as_entry() if isinstance(v, Part) else _plain(v) for v in value]
    return value
