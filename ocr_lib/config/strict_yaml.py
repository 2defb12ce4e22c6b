"""YAML as configurations use it: plain values only, and the line of every key.

Differs from PyYAML's safe loader in four ways: a key that stands twice is an error (PyYAML keeps
the last silently), `1e-3` is a number (YAML 1.1 reads a text), dates stay texts, and keys are
texts. Anchors, aliases and `<<` work; their expansion is bounded.
"""

import re
from typing import Any

import yaml

from ocr_lib.config.location import KeyPath
from ocr_lib.errors import ConfigError

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
MAX_DEPTH = 50
TAG = "tag:yaml.org,2002:"
TEXTS = frozenset({"timestamp", "value"})  # dates and `=` stay texts
PLAIN = frozenset({"map", "seq", "str", "int", "float", "bool", "null"})


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the number form that people write."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.removeprefix(TAG) not in TEXTS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    f"{TAG}float",
    re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


class _Dumper(yaml.SafeDumper):
    """Writes a text in quotes where `_Loader` or PyYAML would read it as something else."""

    def ignore_aliases(self, data: object) -> bool:
        """Writes a value that stands twice twice: equal values give equal bytes."""
        del data
        return True


_Dumper.yaml_implicit_resolvers = {
    first: [*yaml.SafeDumper.yaml_implicit_resolvers.get(first, []), *resolvers]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def _quote_line_ends(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Escapes Unicode's line ends, which PyYAML writes in single quotes and reads as blanks."""
    style = '"' if set(text) & {"\x85", "\u2028", "\u2029"} else None
    return dumper.represent_scalar(f"{TAG}str", text, style=style)


_Dumper.add_representer(str, _quote_line_ends)


def dump(values: object) -> str:
    """Returns plain values as YAML, the same bytes for equal values in the same order."""
    return yaml.dump(
        values,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )


def parse(text: str, name: str) -> tuple[Any, dict[KeyPath, str]]:
    """Reads one YAML document.

    Args:
        text: the document.
        name: what errors call it: a file name, or `-o Key=value`.

    Returns:
        The value, and for each key below it the `name:line` where it was written.

    Raises:
        ConfigError: not YAML, too large, a key twice, or a tag that makes objects.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(name, f"is larger than {MAX_BYTES} bytes", "Give a configuration file")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        parser = _Parser(loader, name)
        value = None if node is None else parser.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        cause = f"is not valid YAML: {error.problem or error.context}"
        raise ConfigError(place, cause, "Check indentation, colons and quotes there") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        cause = f"is not valid YAML: {str(error).splitlines()[0]}"
        raise ConfigError(name, cause, "Check the file") from None
    return value, parser.locations


class _Parser:
    """Turns YAML nodes into plain values and notes the line of each key."""

    def __init__(self, loader: _Loader, name: str) -> None:
        self.loader = loader
        self.name = name
        self.locations: dict[KeyPath, str] = {}
        self.flattened: set[int] = set()  # ids of mapping nodes: an alias meets its node again

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.locations.setdefault(path, self.location_of(node))
        if len(self.locations) > MAX_NODES or len(path) > MAX_DEPTH:
            raise ConfigError(
                self.location_of(node),
                "nests or repeats too much",
                "Check anchors and aliases (&, *)",
            )
        if node.tag.removeprefix(TAG) not in PLAIN:
            cause = f"the tag {node.tag} is not of a plain value"
            raise ConfigError(self.location_of(node), cause, "Leave the tag out")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        if id(node) not in self.flattened:
            self.flattened.add(id(node))
            self.refuse_doubles(node)
            self.loader.flatten_mapping(node)  # resolves `<<`; own keys stand last and win
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            child = (*path, key)
            self.locations[child] = self.location_of(key_node)
            values[key] = self.value(value_node, child)
        return values

    def refuse_doubles(self, node: yaml.MappingNode) -> None:
        seen: dict[str, str] = {}
        for key_node, _ in node.value:
            if key_node.tag.endswith(":merge"):
                continue
            key, place = self.key(key_node), self.location_of(key_node)
            if key in seen:
                cause = f"the key {key} stands twice in one block, first at {seen[key]}"
                raise ConfigError(place, cause, "Remove one of the two")
            seen[key] = place

    def key(self, node: yaml.Node) -> str:
        key = self.loader.construct_object(node)
        if not isinstance(key, str):
            cause = f"the key {node.value!r} is not a text"
            raise ConfigError(self.location_of(node), cause, "Put the key in quotes")
        return key

    def location_of(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"
