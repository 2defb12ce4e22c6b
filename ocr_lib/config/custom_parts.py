"""Custom parts that a configuration names as `package.module:Class`.

To import such a part is to run its module. A configuration, also the one in a run directory, comes
from anywhere, so it cannot ask for that alone: the process that opens it has a list of the parts
that it may import, given with `--allow-part` or in `OCR_ALLOW_PARTS`. It is empty by default.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ocr_lib.config.location import KeyPath
from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings

OPTION = "--allow-part"
VARIABLE = "OCR_ALLOW_PARTS"
FORM = "package.module:Class"

STAGES = ("Transform", "Backbone", "Neck", "Head")
AllowedParts = frozenset[str]  # exact names, as configurations write them
NO_PARTS: AllowedParts = frozenset()
Base = TypeVar("Base")


def is_custom(name: object) -> bool:
    """Tells whether a configuration's name of a part is of the form `package.module:Class`."""
    return isinstance(name, str) and ":" in name


def custom_layers(architecture: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yields key and name of each custom part in an Architecture block."""
    networks: dict[KeyPath, Any] = {(): architecture}
    if isinstance(models := architecture.get("Models"), Mapping):
        networks |= {("Models", name): network for name, network in models.items()}
    for path, network in networks.items():
        for stage in STAGES:
            block = network.get(stage) if isinstance(network, Mapping) else None
            if isinstance(block, Mapping) and is_custom(block.get("name")):
                yield ("Architecture", *path, stage, "name"), block["name"]


def allowed_parts(named: Iterable[str] = ()) -> AllowedParts:
    """Returns what this process may import; its entry points ask, the library is told.

    Args:
        named: on its command line, one part each; `OCR_ALLOW_PARTS` of its environment holds
            more, separated by commas.

    Raises:
        ConfigError: an entry is not the exact name of a class.
    """
    listed = Settings.from_env().allow_parts.split(",")
    entries = [(OPTION, entry) for entry in named]
    entries += [(VARIABLE, entry.strip()) for entry in listed if entry.strip()]
    for where, entry in entries:
        module, colon, name = entry.partition(":")
        if not (colon and name.isidentifier() and all(map(str.isidentifier, module.split(".")))):
            raise ConfigError(where, f"{entry!r} is not of the form {FORM}", "Name each class")
    return frozenset(entry for _, entry in entries)


def check_allowed(name: str, allowed: AllowedParts, where: str) -> None:
    """Refuses a part that this process may not import.

    Args:
        name: `package.module:Class`.
        allowed: what it may import.
        where: the configuration key that names the part, for the error.

    Raises:
        ConfigError: the part is not among them.
    """
    if name not in allowed:
        raise ConfigError(
            where,
            f"{name} is a custom part, whose code may not run here",
            f"If you trust its code, pass {OPTION} {name}, or add it to {VARIABLE}",
        )


def import_part(name: str, base: type[Base], allowed: AllowedParts, where: str) -> type[Base]:
    """Imports a part; nothing is imported that is not allowed.

    Args:
        name: `package.module:Class`.
        base: the class that it must be a subclass of.
        allowed: what this process may import.
        where: the configuration key that names the part, for errors.

    Raises:
        ConfigError: it is not allowed, not there, or another kind of class.
    """
    check_allowed(name, allowed, where)
    module, _, attribute = name.partition(":")
    try:
        part = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        fix = f"Write {FORM}, of a module on PYTHONPATH"
        raise ConfigError(where, f"cannot import {name} ({error})", fix) from error
    if not (isinstance(part, type) and issubclass(part, base)):
        base_name = f"{base.__module__}.{base.__name__}"
        raise ConfigError(
            where, f"{name} is not a subclass of {base_name}", f"Derive it from {base_name}"
        )
    return part
