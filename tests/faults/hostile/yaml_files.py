"""Configurations: YAML that grows, nests or names objects, and values that no key takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ocr_lib.config.loader import load_config, load_values
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.losses.build import build_loss
from tests.faults.cases import random_for
from tests.faults.hostile.case import Hostile, constant, cut, flipped, leaves, odd_copies

BASE = "base: cpu_line\n"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
MERGES = "m0: &m0 {k0: 1}\n" + "".join(
    f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 20)}], k{i}: 1}}\n" for i in range(1, 12)
)
REFUSED: dict[str, bytes] = {
    "empty": b"",
    "list": b"- a\n- b\n",
    "text": b"just text\n",
    "number": b"12\n",
    "null": b"null\n",
    "tab": b"Global:\n\tepoch_num: 1\n",
    "bomb": BOMB.encode(),
    "merge-bomb": MERGES.encode(),
    "deep-list": b"[" * 20_000,
    "deep-mapping": b"{a: " * 20_000,
    "deep-blocks": "".join(f"{' ' * i}a:\n" for i in range(900)).encode(),
    "closed-deep": b"a: " + b"[" * 3000 + b"]" * 3000,
    "python-object": b"Global: !!python/object/apply:os.system ['touch /tmp/outside']\n",
    "python-name": b"Global: !!python/name:os.system\n",
    "python-tuple": b"Global: !!python/tuple [1]\n",
    "binary": b"Global: !!binary aGVsbG8=\n",
    "set": b"Global: !!set {a, b}\n",
    "own-tag": b"Global: !secret a\n",
    "twice": b"Global: {}\nGlobal: {}\n",
    "twice-inside": b"Global: {epoch_num: 1, epoch_num: 2}\n",
    "two-documents": b"a: 1\n---\nb: 2\n",
    "alias-to-nothing": b"Global: *none\n",
    "alias-of-itself": b"a: &a [*a]\n",
    "merge-of-text": b"a: {<<: text}\n",
    "nul": b"Global:\0\n",
    "escape": b"Global: \x1b[31m\n",
    "utf-16": "Global: {}\n".encode("utf-16"),
    "latin-1": "Global: {name: é}\n".encode("latin-1"),
    "invalid": b"Global: \xff\xfe\n",
    "too-large": b"# " + b"x" * (2 << 20),
    "numbers-as-keys": b"1: 2\n",
    "list-as-key": b"? [a, b]\n: 1\n",
    "null-as-key": b"~: 1\n",
    "unclosed": b"Global: {a: 'b\n",
    "unclosed-list": b"Global: [1, 2\n",
    "colon": b"Global: a: b: c\n",
    "base-of-itself": b"base: config.yml\n",
    "base-missing": b"base: nothing.yml\n",
    "base-of-list": b"base: [cpu_line]\n",
    "base-folder": b"base: /tmp\n",
    "base-device": b"base: /dev/null\n",
    "unknown-block": (BASE + "Globl: {}\n").encode(),
    "unknown-key": (BASE + "Global: {epoch: 3}\n").encode(),
    "custom-part": (BASE + "Loss: {name: 'os:system'}\n").encode(),
    "huge-number": (BASE + "Global: {epoch_num: " + "9" * 5000 + "}\n").encode(),
    "json-lines": b'{"a": 1}\n{"b": 2}\n',
    "html": b"<html><body>404</body></html>\n",
    "percent": b"%YAML 9.9\n---\na: 1\n",
}


# Names that are looked up when the part is built.
NAMES = {"unknown-name": "NoLoss", "module-as-name": "os.system", "number-as-name": "1"}


def loaded(content: bytes, folder: Path) -> Config:
    path = folder / "config.yml"
    path.write_bytes(content)
    try:
        return load_config(path)
    finally:
        assert not Path("/tmp/outside").exists(), "it was executed"


def built(content: bytes, folder: Path) -> object:
    return build_loss(loaded(content, folder).loss)


def is_config(value: Any) -> bool:
    return isinstance(value, Config) and bool(value.to_yaml())


def changed_values() -> Iterator[tuple[str, str, bytes]]:
    """Yields the shipped configuration with an odd value at each key in turn."""
    values, _ = load_values("cpu_line")
    for name, changed in odd_copies(values, leaves(values, most=200), "yaml", 3):
        yield name, "config.yml", yaml.safe_dump(changed, allow_unicode=True).encode()


def cases() -> dict[str, Hostile]:
    found = {
        name: Hostile(constant(c), loaded, ConfigError, "config.yml") for name, c in REFUSED.items()
    }
    found["base-passwd"] = Hostile(
        constant(b"base: /etc/passwd\n"), loaded, ConfigError, "/etc/passwd"
    )
    for name, loss in NAMES.items():
        content = f"{BASE}Loss: {{name: '{loss}'}}\n".encode()
        found[name] = Hostile(constant(content), built, ConfigError, "Loss")
    for name, named, content in changed_values():
        found[f"key-{name}"] = Hostile(constant(content), loaded, ConfigError, named, is_config)
    whole = yaml.safe_dump(load_values("cpu_line")[0]).encode()
    for name, part in cut(whole, 10):
        found[name] = Hostile(constant(part), loaded, ConfigError, "", is_config)
    for name, part in flipped(whole, "yaml", 30):
        found[name] = Hostile(constant(part), loaded, ConfigError, "", is_config)
    for number in range(10):
        noise = constant(random_for(f"yaml {number}").randbytes(2000))
        found[f"noise-{number}"] = Hostile(noise, loaded, ConfigError, "config.yml")
    return found
