"""Weights and states: pickles that call functions, claim memory, or are not what they should be."""

import io
import json
import pickle
import pickletools
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ocr_lib.errors import CheckpointError
from ocr_lib.training import checkpoint, safe_pickle
from tests.faults.hostile.case import ODD_VALUES, Hostile, constant, cut, flipped

CALLS = {
    "system": b"cos\nsystem\n(S'touch /tmp/outside'\ntR.",
    "eval": b"cbuiltins\neval\n(S'1'\ntR.",
    "exec": b"cbuiltins\nexec\n(S'1'\ntR.",
    "getattr": b"cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.",
    "popen": b"csubprocess\nPopen\n((lS'touch'\natR.",
    "import": b"cimportlib\nimport_module\n(S'os'\ntR.",
    "load": b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
    "fromfile": b"cnumpy\nfromfile\n(S'/etc/passwd'\ntR.",
    "paddle": b"cpaddle\nload\n(S'x'\ntR.",
    "open": b"cio\nopen\n(S'/tmp/outside'\nS'w'\ntR.",
    "bytearray": b"cbuiltins\nbytearray\n(I1000000000000\ntR.",
    "range-list": b"cbuiltins\nlist\n(cbuiltins\nrange\n(I10000000000\ntRtR.",
    "codecs": b"c_codecs\nencode\n(S'x'\nS'zip'\ntR.",
    "ext": b"\x82\x01.",
    "persistent": b"Pa\n.",
    "inst": b"(S'x'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'x'\no.",
    "build": b"cos\nsystem\n}b.",
    "newobj": b"cbuiltins\nobject\n)\x81.",
}
CLAIMS = {
    "bytes": b"\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
    "text": b"\x8d" + struct.pack("<Q", 1 << 40) + b"x.",
    "long": b"\x8b" + struct.pack("<i", 1 << 30) + b"x.",
    "negative-long": b"\x8b" + struct.pack("<i", -5) + b"x.",
    "frame": b"\x95" + struct.pack("<Q", 1 << 60) + b"N.",
    "memo": b"Nr\xff\xff\xff\x7f.",
    "get": b"j\xff\xff\xff\x7f.",
    "no-stop": b"N" * 100,
    "empty-stack": b".",
    "marks": b"(" * 100_000 + b".",
    "deep-lists": b"]" + b"]a" * 10 + b"(" * 5000 + b"l" * 5000 + b".",
    "deep-tuples": b"N" + b"\x85" * 100_000 + b".",
    "digits": b"I" + b"9" * 100_000 + b"\n.",
    "line": b"S'" + b"a" * 5_000_000 + b"'\n.",
    "float": b"Fnan(1)x\n.",
}


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


@cache
def weights() -> bytes:
    return pickle.dumps({"a.w": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.ones(2)}, 4)


@cache
def saved() -> dict[str, bytes]:
    """Returns the files of a small checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(
            Path(folder) / "latest", {"w": np.ones((2, 3), np.float32)}, {}, {"global_step": 3}
        )
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def loaded(content: bytes, folder: Path) -> Any:
    path = folder / "some.pdparams"
    path.write_bytes(content)
    try:
        return safe_pickle.load(path)
    finally:
        assert not Path("/tmp/outside").exists(), "it was executed"


def with_file(name: str) -> Callable[[bytes, Path], Any]:
    def use(content: bytes, folder: Path) -> Any:
        for path, original in saved().items():
            (folder / path).write_bytes(content if path == name else original)
        return checkpoint.load(folder / "latest")

    return use


def is_plain(value: Any) -> bool:
    """Nothing but numbers, texts and containers of them."""
    if isinstance(value, dict):
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple | set):
        return all(map(is_plain, value))
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biuf"
    return type(value) in (str, int, float, bool, bytes, type(None))


def is_unchanged(value: checkpoint.Checkpoint) -> bool:
    """A checkpoint with a manifest is what was saved, or refused."""
    return bool((value.params["w"] == 1).all()) and value.states["global_step"] == 3


def shared_bomb(levels: int = 40) -> bytes:
    """A kilobyte that describes a list of 2**40 values."""
    value: list[Any] = [1]
    for _ in range(levels):
        value = [value, value]
    return pickle.dumps(value, 4)


def itself() -> bytes:
    value: list[Any] = []
    value.append(value)
    return pickle.dumps(value, 4)


def cases() -> dict[str, Hostile]:
    found: dict[str, Hostile] = {}

    def add(name: str, content: bytes, right: Callable[[Any], bool] | None = None) -> None:
        found[name] = Hostile(constant(content), loaded, CheckpointError, "some.pdparams", right)

    for name, body in {**CALLS, **CLAIMS}.items():
        for protocol in (2, 4):
            right = is_plain if name in ("float", "line", "frame", "memo") else None
            add(f"{name}-{protocol}", bytes([0x80, protocol]) + body, right)
    add("empty", b"")
    add("text", b"weights")
    add("zip", b"PK\x03\x04" + bytes(100))
    add("protocol-0", pickle.dumps({"a": 1}, 0))
    add("protocol-5", pickle.dumps({"a": 1}, 5))
    add("bomb", shared_bomb())
    add("itself", itself())
    add("objects", pickle.dumps(np.array([{"a": 1}, None], object), 4))
    add("reduce", pickle.dumps(Call(eval, "1"), 4))
    add("complex", pickle.dumps(np.ones(3, np.complex128), 4))
    add("structured", pickle.dumps(np.zeros(2, [("a", "<i4"), ("b", "O")]), 4))
    add("dates", pickle.dumps(np.array(["2020-01-01"], "datetime64[D]"), 4))
    add("function", pickle.dumps(len, 4))
    add("class", pickle.dumps(Path("/tmp"), 4))
    add("good", weights(), is_plain)
    for name, part in cut(weights(), 20):
        add(f"weights-{name}", part)
    for name, part in flipped(weights(), "weights", 40):
        add(f"weights-{name}", part, is_plain)
    for name, part in _without_opcodes():
        add(name, part, is_plain)
    return found | _checkpoints()


def _checkpoints() -> dict[str, Hostile]:
    """Returns checkpoints with a manifest, of which one file was changed."""
    found: dict[str, Hostile] = {}
    for file, content in saved().items():
        for name, part in [*cut(content, 5), *flipped(content, file, 12)]:
            found[f"{file}-{name}"] = Hostile(
                constant(part), with_file(file), CheckpointError, "latest", is_unchanged
            )
    manifest = json.loads(saved()["latest.json"])
    for kind, value in ODD_VALUES.items():
        for key in ("files", "global_step"):
            content = json.dumps({**manifest, key: value}).encode()
            found[f"manifest-{key}-{kind}"] = Hostile(
                constant(content), with_file("latest.json"), CheckpointError, "latest", is_unchanged
            )
    return found


def _without_opcodes() -> list[tuple[str, bytes]]:
    """Returns the weights with one opcode left out each."""
    places = [place for _, _, place in pickletools.genops(io.BytesIO(weights()))]
    ends = [*places[1:], len(weights())]
    spans = list(zip(places, ends, strict=True))[2:-1]
    return [
        (f"without-{at}", weights()[:at] + weights()[end:])
        for at, end in spans[:30]
        if at is not None
    ]
