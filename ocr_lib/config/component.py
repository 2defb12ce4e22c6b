"""Components by name: which dataclass the arguments of a schedule, a transform, a sampler fill.

The tables of names belong to packages that are built on this one. A block therefore names its
table as `module:NAME`, and the table is looked up when a block is made: every key of a
configuration is checked when it is read, while nothing here imports a component.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from ocr_lib.config.custom_parts import is_custom
from ocr_lib.config.location import FieldError, LocatedError, SourceLocation
from ocr_lib.config.parse import ANY_KEYS, ComponentConfig, key_of, keys_of, parse
from ocr_lib.nearest import nearest

Table = Mapping[str, type]
NO_LOCATION = SourceLocation((), {})


def component_of(table: str, key: str = "", default_name: str = "") -> Mapping[str, Any]:
    """Returns metadata of a field for a `ComponentConfig`, or a tuple of them, of a table.

    Args:
        table: `module:NAME` of the names and their dataclasses.
        key: the key, where it is not the field's name.
        default_name: the component that a block without a name means.
    """
    given = {"table": table, "key": key, "default_name": default_name}
    return {name: value for name, value in given.items() if value}


def arguments_of(table: str) -> Mapping[str, Any]:
    """Returns metadata of a field for the arguments of the component that `name` names."""
    return {**ANY_KEYS, "table": table}


def load_table(reference: str) -> Table:
    """Imports a table of components from `module:NAME`."""
    module, _, name = reference.partition(":")
    table: Table = getattr(import_module(module), name)
    return table


def parse_component(
    table: Table, config: ComponentConfig, location: SourceLocation, also: Collection[str] = ()
) -> Any:
    """Returns the dataclass of a component's arguments.

    Args:
        table: the names there are, each with the dataclass of its arguments or a class that has
            it inside as `Config`.
        config: what the configuration says.
        location: where it says so.
        also: further names that a misspelt argument may mean.

    Raises:
        ConfigError: the name or an argument is unknown, or a value of the wrong type or out of
            range.
    """
    check_name(table, config.name, location.child("name"))
    cls = table[config.name]
    return parse(getattr(cls, "Config", cls), config.args, location, config.name, also)


def check_name(table: Collection[str], name: str, location: SourceLocation) -> None:
    """Raises ConfigError where a component's name is not in the table."""
    if name not in table:
        raise location.error(f"is {name!r}, which is not known", nearest(name, table))


def check_components(block: Any) -> None:
    """Checks the components of a block, with numbers for texts such as `'1e-3'`; changes them.

    To be called from the block's `__post_init__`.

    Raises:
        FieldError: a component's name or an argument is unknown, of the wrong type or out of range.
    """
    for item in fields(block):
        reference, value = item.metadata.get("table"), getattr(block, item.name)
        if reference is None or value is None:
            continue
        table = load_table(reference)
        try:
            if "collects" in item.metadata:
                block_keys = frozenset(map(key_of, keys_of(type(block))))
                config = ComponentConfig(block.name, value)
                checked: Any = _checked(table, config, NO_LOCATION, block_keys).args
            elif isinstance(value, tuple):
                checked = tuple(
                    _checked_entry(table, config, SourceLocation((item.name, i), {}))
                    for i, config in enumerate(value)
                )
            else:
                checked = _checked(table, value, SourceLocation((item.name,), {}))
        except LocatedError as error:
            raise FieldError(block, error.path, error.cause, error.fix) from None
        object.__setattr__(block, item.name, checked)


def _checked_entry(
    table: Table, config: ComponentConfig, location: SourceLocation
) -> ComponentConfig:
    """Checks an entry `{X: args}` of a list; one of the user's own is checked where it is built."""
    if is_custom(config.name):
        return config
    check_name(table, config.name, location)
    return _checked(table, config, location.child(config.name))


def _checked(
    table: Table, config: ComponentConfig, location: SourceLocation, also: Collection[str] = ()
) -> ComponentConfig:
    parsed = parse_component(table, config, location, also)
    names = {key_of(item): item.name for item in keys_of(type(parsed))}
    args = {
        key: getattr(parsed, names[key]) if isinstance(value, str) and key in names else value
        for key, value in config.args.items()
    }
    return ComponentConfig(config.name, args)
