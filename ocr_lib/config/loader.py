"""Reading a configuration: `-c file.yml -o Key.sub=value` → Config.

A file may start from another one, `base: other.yml` (this project's extension): blocks are merged
key by key, lists and single values are replaced, and a block whose `name` differs is replaced as
a whole, since arguments belong to the name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocr_lib.config import strict_yaml
from ocr_lib.config.custom_parts import (
    NO_PARTS,
    AllowedParts,
    check_allowed,
    custom_layers,
    is_custom,
)
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.location import KeyPath, SourceLocation
from ocr_lib.config.overrides import apply
from ocr_lib.config.parse import parse
from ocr_lib.config.schema import Config
from ocr_lib.config.shipped import find_config
from ocr_lib.errors import ConfigError

MAX_BASES = 10


def load_config(
    path: str | Path,
    overrides: Sequence[str] = (),
    allowed_parts: AllowedParts = NO_PARTS,
    where: str = "-c",
) -> Config:
    """Reads a configuration file; nothing that it names is imported.

    Args:
        path: a file, or the name of a shipped configuration (`en_PP-OCRv3_rec`).
        overrides: `Key.sub=value` each; the value is read as YAML, later ones win.
        allowed_parts: custom parts that may be imported when the configuration is built.
        where: the argument that named the configuration, for errors.

    Raises:
        ConfigError: names file, line and key, the cause, and the nearest known name; also where
            the configuration names a part that is not allowed.
    """
    values, locations = load_values(path, where)
    for override in overrides:
        apply(values, override, locations)
    return _checked(values, locations, allowed_parts)


def read_config(text: str, name: str, allowed_parts: AllowedParts = NO_PARTS) -> Config:
    """Reads the text of a configuration that has no base; nothing that it names is imported.

    Args:
        text: YAML, as `Config.to_yaml` writes it.
        name: what errors call it.
        allowed_parts: custom parts that may be imported when the configuration is built.

    Raises:
        ConfigError: names line and key, the cause, and the nearest known name; also where the
            configuration names a part that is not allowed.
    """
    values, locations = strict_yaml.parse(text, name)
    return _checked(values, locations, allowed_parts)


def load_settings(path: str | Path) -> GlobalConfig:
    """Reads the block Global of a configuration file, whatever the other blocks hold.

    Raises:
        ConfigError: the file or the block is not accepted.
    """
    values, locations = load_values(path)
    return parse(GlobalConfig, values.get("Global"), SourceLocation(("Global",), locations))


def _checked(
    values: dict[str, Any], locations: dict[KeyPath, str], allowed_parts: AllowedParts
) -> Config:
    config = parse(Config, values, SourceLocation((), locations))
    for key, part in _custom_parts(config):
        check_allowed(part, allowed_parts, str(SourceLocation(key, locations)))
    return replace(config, locations=locations, allowed_parts=allowed_parts)


def _custom_parts(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yields key and name of each custom part that a configuration names."""
    yield from custom_layers(config.architecture)
    named: list[tuple[KeyPath, str]] = [(("Loss", "name"), config.loss.name)]
    for block, split in (("Train", config.train), ("Eval", config.eval)):
        for i, transform in enumerate(split.dataset.transforms):
            named.append(((block, "dataset", "transforms", i), transform.name))
    yield from ((key, name) for key, name in named if is_custom(name))


def config_from_dict(values: dict[str, Any], where: str = "the configuration") -> Config:
    """Returns the configuration that nested plain values describe.

    Args:
        values: PaddleOCR's nested form, as `Config.as_dict()` gives it.
        where: what errors call it.
    """
    return parse(Config, values, SourceLocation((), {(): where}))


def load_values(path: str | Path, where: str = "-c") -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """Returns what a file and its bases say, as plain values, and the location of every key."""
    chain: list[Path] = []
    file: Path | None = find_config(path, where=where)
    merged: dict[str, Any] = {}
    locations: dict[KeyPath, str] = {}
    while file:
        if file.resolve() in chain or len(chain) == MAX_BASES:
            names = " → ".join(p.name for p in [*chain, file])
            raise ConfigError(str(file), f"is its own base: {names}", "Break the circle")
        chain.append(file.resolve())
        values, file_locations = _read_file(file)
        base, location = values.pop("base", None), SourceLocation(("base",), file_locations)
        if not isinstance(base, str | None):
            raise location.error(f"is {base!r}", "Write the path or name of one configuration")
        merged = merge(values, merged)
        locations = file_locations | locations
        file = find_config(base, file.parent, str(location)) if base else None
    return merged, locations


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Returns `below` with what `above` says otherwise; neither is changed."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and _same_name(old, value):
            value = merge(old, value)
        merged[key] = value
    return merged


def _same_name(below: dict[str, Any], above: dict[str, Any]) -> bool:
    return "name" not in above or above["name"] == below.get("name")


def _read_file(file: Path) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    try:
        with open(file, "rb") as stream:
            content = stream.read(strict_yaml.MAX_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            str(file), f"cannot be read: {error.strerror}", "Check the path"
        ) from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}:{line}", "is not UTF-8", "Save the file as UTF-8") from None
    values, locations = strict_yaml.parse(text, str(file))
    if not isinstance(values, dict):
        raise ConfigError(str(file), "holds no keys", "Start from a shipped configuration")
    return values, locations
