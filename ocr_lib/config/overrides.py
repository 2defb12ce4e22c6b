"""`-o Key.sub=value`: one value of a configuration set from the command line."""

from typing import Any

from ocr_lib.config.location import KeyPath
from ocr_lib.config.strict_yaml import parse
from ocr_lib.errors import ConfigError
from ocr_lib.nearest import nearest


def apply(values: dict[str, Any], override: str, locations: dict[KeyPath, str]) -> None:
    """Sets one value in nested plain values, making blocks on the way as needed.

    Args:
        values: changed in place.
        override: `A.b.c=value`; the value is read as YAML, so nothing after `=` is null. An entry
            of a list is named by its index or, where entries have names, by its name:
            `Train.dataset.transforms.RecAug.tia_prob=0.1`.
        locations: gets `-o` as the location of the key.

    Raises:
        ConfigError: no `=`, a value that is not YAML, or a key below something that has none.
    """
    key, equals, text = override.strip().partition("=")
    names = key.split(".")
    if not equals or not all(names):
        fix = "Write -o Key.sub=value, e.g. -o Global.epoch_num=10"
        raise ConfigError(f"-o {override}", "is not Key.sub=value", fix)
    value, _ = parse(text, f"-o {key}")
    node: Any = values
    path: KeyPath = ()
    for i, name in enumerate(names):
        *entry, step = _steps(node, name, path)  # an entry of a list is a block of one name
        for index in entry:
            node = node[index]
        path = (*path, *entry, step)
        if i == len(names) - 1:
            node[step] = value
        elif node[step] is None:
            node[step] = {}
        node = node[step]
    for old in [p for p in locations if p[: len(path)] == path]:
        del locations[old]
    locations[path] = "-o"


def _steps(node: object, name: str, path: KeyPath) -> KeyPath:
    """Returns what leads from `node` to `name`: a key, an index, or an index and the name there.

    A mapping gets the key if it is new.
    """
    if isinstance(node, dict):
        node.setdefault(name, None)
        return (name,)
    where = f"-o {'.'.join(map(str, path))}"
    if not isinstance(node, list):
        raise ConfigError(where, f"is {node!r}, which has no {name} in it", "Shorten the key")
    if name.isdecimal() and int(name) < len(node):
        return (int(name),)
    entries = [next(iter(item)) if isinstance(item, dict) and item else "" for item in node]
    if name in entries:
        return (entries.index(name), name)
    fix = nearest(name, {e for e in entries if e} or map(str, range(len(node))))
    raise ConfigError(where, f"has no entry {name}", fix)
