"""YAML as configurations use it: plain values only, and the line of every key.

Differs from PyYAML's safe loader in four ways: a key that stands twice is an error (PyYAML keeps
the last silently), `1e-3` is a number (YAML 1.1 reads a text), dates stay texts, and keys are
texts. Anchors, aliases and `<<` work. Size, depth, the length of numbers and what aliases and merge
keys expand to are bounded, each before the work that it bounds.
"""

import re
from typing import Any

import yaml

from ocr_lib.config.location import KeyPath
from ocr_lib.errors import ConfigError

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
MAX_DEPTH = 50
MAX_NUMBER_CHARS = 100  # reading `1:30:…` takes time by the square of its length
TAG = "tag:yaml.org,2002:"
NUMBERS = frozenset({f"{TAG}int", f"{TAG}float"})
TEXTS = frozenset({"timestamp", "value"})  # dates and `=` stay texts
PLAIN = frozenset({"map", "seq", "str", "int", "float", "bool", "null"})

_Entries = dict[str, tuple[yaml.Node, yaml.Node]]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the number form that people write, and within bounds."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self._name = name
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Counts nodes and depth before more of them are composed."""
        self._nodes += 1
        self._depth += 1
        if self._nodes > MAX_NODES or self._depth > MAX_DEPTH:
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise _too_much(f"{self._name}:{line}")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """Takes a long plain scalar for a text without matching the forms of numbers."""
        if kind is yaml.ScalarNode and implicit[0] and len(value) > MAX_NUMBER_CHARS:
            return f"{TAG}str"
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


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
        ConfigError: not YAML, too large, nested too deep, with aliases that expand to too much, a
            key twice, or a tag that makes objects.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(name, f"is larger than {MAX_BYTES} bytes", "Give a configuration file")
    try:
        loader = _Loader(text, name)
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
        self._entries: dict[int, _Entries] = {}  # by the id of a mapping node: aliases share them
        self._merged = 0  # entries that merge keys brought into a block

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.locations.setdefault(path, self.location_of(node))
        if len(self.locations) > MAX_NODES or len(path) > MAX_DEPTH:
            raise _too_much(self.location_of(node))
        if node.tag.removeprefix(TAG) not in PLAIN:
            cause = f"the tag {node.tag} is not of a plain value"
            raise ConfigError(self.location_of(node), cause, "Leave the tag out")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        if node.tag in NUMBERS and len(node.value) > MAX_NUMBER_CHARS:
            cause = f"is a number of {len(node.value):,} characters"
            raise ConfigError(self.location_of(node), cause, "Write a shorter one")
        return self.loader.construct_object(node)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, (key_node, value_node) in self.entries(node).items():
            child = (*path, key)
            self.locations[child] = self.location_of(key_node)
            values[key] = self.value(value_node, child)
        return values

    def entries(self, node: yaml.MappingNode, depth: int = 0) -> "_Entries":
        """Returns key → (key node, value node) of a block with its `<<` resolved.

        Own keys win over merged ones, and of several merged blocks the first.
        """
        if id(node) in self._entries:
            return self._entries[id(node)]
        if depth > MAX_DEPTH:
            raise _too_much(self.location_of(node))
        written: _Entries = {}
        merged: list[_Entries] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{TAG}merge":
                merged += [self.entries(b, depth + 1) for b in self.merge_blocks(value_node)]
                continue
            key = self.key(key_node)
            if key in written:
                first = self.location_of(written[key][0])
                cause = f"the key {key} stands twice in one block, first at {first}"
                raise ConfigError(self.location_of(key_node), cause, "Remove one of the two")
            written[key] = key_node, value_node
        self._merged += sum(map(len, merged))
        if self._merged > MAX_NODES:
            raise _too_much(self.location_of(node))
        entries: _Entries = {}
        for block in (*reversed(merged), written):
            entries |= block
        self._entries[id(node)] = entries
        return entries

    def merge_blocks(self, node: yaml.Node) -> list[yaml.MappingNode]:
        """Returns the blocks that a merge key names: one, or those of a list."""
        blocks = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(block, yaml.MappingNode) for block in blocks):
            cause = "<< merges something that is no block of keys"
            raise ConfigError(self.location_of(node), cause, "Name an anchor of a block: <<: *name")
        return list(blocks)

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise ConfigError(self.location_of(node), "a key is no text", "Write a plain key")
        key = self.loader.construct_object(node) if node.tag not in NUMBERS else None
        if not isinstance(key, str):
            shown = node.value[:MAX_NUMBER_CHARS]
            cause = f"the key {shown!r} is not a text"
            raise ConfigError(self.location_of(node), cause, "Put the key in quotes")
        return key

    def location_of(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"


def _too_much(where: str) -> ConfigError:
    return ConfigError(where, "nests or repeats too much", "Check anchors and aliases (&, *)")
