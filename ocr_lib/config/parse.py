"""Plain values → frozen dataclasses and back: a dataclass's annotations are the schema.

Whatever can be configured declares a frozen dataclass next to itself; `parse` fills it from a
mapping and says where a value was written when it does not fit. Field names are the keys, or `key`
in the field's metadata where the key is no Python name. A field that `collects` takes keys that
no other field has. Metadata may also hold `form`, how to write a value that is not just a scalar.
Null means what leaving the key out means, unless the field may be None.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest

T = TypeVar("T")
ANY_KEYS = {"collects": True, "ignored": None}  # metadata of a field that takes all other keys
UNWRITTEN = {"unwritten": True}  # metadata of a field that is no key

_SCALARS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text; a number or true/false in quotes",
}


@dataclass(frozen=True, slots=True)
class ComponentConfig:
    """A component as a configuration names it: a head, a loss, a schedule, a transform.

    Attributes:
        name: which one.
        args: what its own dataclass is filled from.
    """

    name: str
    args: dict[str, Any] = field(default_factory=dict)

    def as_block(self) -> dict[str, Any]:
        """Returns the form `{name: X, **args}` that blocks have."""
        return {"name": self.name, **self.args}

    def as_entry(self) -> dict[str, Any]:
        """Returns the form `{X: args}` that entries of the list of transforms have."""
        return {self.name: self.args or None}


def collects(*ignored: str) -> Mapping[str, Any]:
    """Returns metadata of a field that takes those keys, which are accepted and change nothing."""
    return {"collects": True, "ignored": frozenset(ignored)}


def parse(
    cls: type[T],
    values: object,
    location: SourceLocation,
    owner: str = "",
    also: Collection[str] = (),
) -> T:
    """Fills a dataclass from a mapping.

    A class attribute `IGNORED` names keys that are accepted and change nothing.

    Args:
        cls: the dataclass.
        values: the mapping; null stands for an empty one.
        location: where it was written.
        owner: the component whose arguments these are; empty for a block of keys.
        also: further names that a misspelt key may mean.

    Raises:
        ConfigError: an unknown or missing key, a value of the wrong type or out of range.
    """
    named = {key_of(item): item for item in keys_of(cls)}
    rest = _collecting(cls)
    collected: dict[str, Any] = {}
    arguments: dict[str, Any] = {rest.name: collected} if rest else {}
    accepted, hints = _accepted(cls, rest), _hints(cls)  # type: ignore[arg-type]
    for key, value in as_mapping(values, location).items():
        kind = hints[named[key].name] if key in named else None
        if key not in named:
            if accepted is not None and key not in accepted:
                cause = f"is not an argument of {owner}" if owner else "is not a known key"
                raise location.child(key).error(cause, nearest(key, {*named, *accepted, *also}))
            collected[key] = value
        elif value is not None or _may_be_none(kind):
            item = named[key]
            arguments[item.name] = _parse_field(item, kind, value, location.child(key))
    for key, item in named.items():
        if item.name not in arguments and item.default is item.default_factory is MISSING:
            if owner:
                raise location.error(f"{owner} needs {key}", f"Write {key} there")
            raise location.child(key).error("is missing", "Write this block")
    try:
        return cls(**arguments)
    except FieldError as error:
        keys = {item.name: key for key, item in named.items()}
        path = (keys.get(str(error.path[0]), error.path[0]), *error.path[1:])
        raise location.child(*path).error(error.cause, error.fix) from None


def whole_numbers(values: Any) -> Any:
    """Returns values of JSON with whole numbers as such, however deep: Kubeflow writes 3 as 3.0."""
    if isinstance(values, Mapping):
        return {key: whole_numbers(value) for key, value in values.items()}
    if isinstance(values, list):
        return [whole_numbers(value) for value in values]
    return int(values) if isinstance(values, float) and values.is_integer() else values


def write(config: Any) -> dict[str, Any]:
    """Returns the mapping that `parse` reads into an equal dataclass; None is left out."""
    values: dict[str, Any] = {}
    for item in keys_of(type(config)):
        value = getattr(config, item.name)
        if value is not None:
            values[key_of(item)] = _plain(value)
    rest = _collecting(type(config))
    return values | getattr(config, rest.name) if rest else values


def ignored_keys(config: Any, block: str = "") -> Iterator[str]:
    """Yields the keys of a configuration's blocks that are accepted and change nothing.

    Args:
        config: a dataclass of keys.
        block: what its own keys are below, with a dot at the end.
    """
    for item in fields(config):
        value = getattr(config, item.name)
        if item.metadata.get("ignored"):
            yield from (f"{block}{key}" for key in value)
        elif is_dataclass(value) and not isinstance(value, ComponentConfig):
            yield from ignored_keys(value, f"{block}{key_of(item)}.")


def keys_of(cls: Any) -> list[Any]:
    """Returns the fields of a dataclass that each stand for one key."""
    marks = ("collects", "unwritten")
    return [item for item in fields(cls) if not any(mark in item.metadata for mark in marks)]


def key_of(item: Any) -> str:
    """Returns the key that a field stands for."""
    return str(item.metadata.get("key", item.name))


def parse_value(kind: Any, value: object, location: SourceLocation) -> Any:
    """Returns `value` as the annotation `kind` has it.

    Raises:
        ConfigError: it is something else.
    """
    origin = get_origin(kind)
    if origin in (UnionType, Union):
        return _parse_union(get_args(kind), value, location)
    if kind is ComponentConfig:
        return _parse_component(value, location)
    if is_dataclass(kind):
        return parse(kind, value, location)  # type: ignore[arg-type]
    if origin is tuple:
        return _parse_list(get_args(kind), value, location)
    if origin is dict or kind is dict:
        return dict(as_mapping(value, location))
    if origin is Literal:
        return _parse_choice(get_args(kind), value, location)
    return _parse_scalar(kind, value, location) if kind in _SCALARS else value


def as_mapping(values: object, location: SourceLocation) -> Mapping[str, Any]:
    """Returns a mapping as it is, null as an empty one.

    Raises:
        ConfigError: it is something else.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise location.error(f"is {values!r}, not a block of keys", "Indent its keys below it")
    return values


def _accepted(cls: Any, rest: Any) -> Collection[str] | None:
    """Returns the keys without a field that are accepted; None for any."""
    if rest is None:
        return frozenset(getattr(cls, "IGNORED", ()))
    ignored: Collection[str] | None = rest.metadata["ignored"]
    return ignored


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _collecting(cls: Any) -> Any:
    return next((item for item in fields(cls) if "collects" in item.metadata), None)


def _may_be_none(kind: object) -> bool:
    return get_origin(kind) in (UnionType, Union) and type(None) in get_args(kind)


def _parse_field(item: Any, kind: Any, value: object, location: SourceLocation) -> Any:
    if "default_name" in item.metadata and isinstance(value, Mapping):
        value = {"name": item.metadata["default_name"], **value}
    if "form" not in item.metadata:
        return parse_value(kind, value, location)
    try:
        return parse_value(kind, value, location)
    except ConfigError:
        raise location.error(f"is {value!r}", f"Write {item.metadata['form']}") from None


def _parse_union(kinds: tuple[Any, ...], value: object, location: SourceLocation) -> Any:
    """Reads `X | None`, or the first of several kinds that fits."""
    if value is None and type(None) in kinds:
        return None
    possible = [kind for kind in kinds if kind is not type(None)]
    for kind in possible[:-1]:
        with suppress(ConfigError):
            return parse_value(kind, value, location)
    return parse_value(possible[-1], value, location)


def _parse_scalar(kind: Any, value: Any, location: SourceLocation) -> Any:
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):  # plain YAML 1.1 reads 1e-3 as a text
            value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise location.error(f"is {value!r}", f"Write {_SCALARS[kind]}")
    return value


def _parse_choice(choices: tuple[Any, ...], value: object, location: SourceLocation) -> Any:
    if any(value == choice and type(value) is type(choice) for choice in choices):
        return value
    names = [str(c).lower() if isinstance(c, bool) else str(c) for c in choices]
    if len(choices) == 1:
        raise location.error(f"is {value!r}, and only {names[0]} is available", f"Write {names[0]}")
    raise location.error(f"is {value!r}, which is not known", nearest(str(value), names))


def _parse_list(kinds: tuple[Any, ...], value: object, location: SourceLocation) -> tuple[Any, ...]:
    """Reads `tuple[X, ...]` or `tuple[X, Y]`; one value stands for a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    elif len(items) != len(kinds):
        raise location.error(f"is {value!r}", f"Write a list of {len(kinds)}")
    locations = [location.child(i) for i in range(len(items))]
    return tuple(
        _parse_entry(item, where) if kind is ComponentConfig else parse_value(kind, item, where)
        for kind, item, where in zip(kinds, items, locations, strict=True)
    )


def _parse_component(value: object, location: SourceLocation) -> ComponentConfig:
    args = dict(as_mapping(value, location))
    if not isinstance(args.get("name"), str):
        raise location.error("has no name", "Say which one: name: …")
    return ComponentConfig(args.pop("name"), args)


def _parse_entry(value: object, location: SourceLocation) -> ComponentConfig:
    if isinstance(value, str):
        return ComponentConfig(value)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise location.error(f"is {value!r}", "Write one name with its arguments, - Name: {…}")
    [(name, args)] = value.items()
    return ComponentConfig(name, dict(as_mapping(args, location.child(name))))


def _plain(value: object) -> Any:
    if isinstance(value, ComponentConfig):
        return value.as_block()
    if is_dataclass(value):
        return write(value)
    if isinstance(value, tuple):
        return [v.as_entry() if isinstance(v, ComponentConfig) else _plain(v) for v in value]
    return value
