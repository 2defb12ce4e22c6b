"""`-o Key.sub=value`: one value of a configuration set from the command line."""

from typing import Any

from ocr_lib.config.spot import Path
from ocr_lib.config.strict_yaml import parse
from ocr_lib.errors import ConfigError


def apply(values: dict[str, Any], override: str, places: dict[Path, str]) -> None:
    """Sets one value in nested plain values, making blocks on the way as needed.

    Args:
        values: changed in place.
        override: `A.b.c=value`. An entry of a list is named by its index or, in a list of
            transforms, by its name: `Train.dataset.transforms.RecAug.tia_prob=0.1`.
        places: gets `-o` as the place of the key.

    Raises:
        ConfigError: no `=`, a value that is not YAML, or a key below something that has none.
    """
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        fix = "Write -o Key.sub=value, e.g. -o Global.epoch_num=10"
        raise ConfigError(f"-o {override}", "is not Key.sub=value", fix)
    value, _ = parse(text, f"-o {override}")
    node: Any = values
    path: Path = ()
    *parents, last = key.split(".")
    for name in parents:
        step = _step(node, name, key)
        path = (*path, step)
        if node[step] is None:
            node[step] = {}
        node = node[step]
    step = _step(node, last, key)
    for old in [p for p in places if p[: len(path) + 1] == (*path, step)]:
        del places[old]
    node[step] = value
    places[(*path, step)] = "-o"


def _step(node: Any, name: str, key: str) -> str | int:
    """Returns the key or index of `name` in `node`; a new key is made."""
    if isinstance(node, dict):
        node.setdefault(name, None)
        return name
    if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
        return int(name)
    raise ConfigError(f"-o {key}", f"there is no {name} there", "Check the key")
