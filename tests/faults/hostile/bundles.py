"""Exported models whose files were changed, and ones whose manifest was made to fit the change."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ocr_lib.errors import UserError
from ocr_lib.inference.runtimes import open_bundle
from tests.faults.hostile.case import Hostile, constant, cut, flipped, leaves, odd_copies
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

TEXT = "abcé中"


@cache
def files() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        root = write_bundle(Path(folder) / "bundle")
        return {path.name: path.read_bytes() for path in root.iterdir()}


def with_file(name: str, *, fitted: bool = False) -> Callable[[bytes, Path], Any]:
    """Returns what opens the bundle with a file replaced, and reads a line with it.

    Args:
        name: of the file.
        fitted: whether the manifest names the new content, as a careful forger sees to it.
    """

    def use(content: bytes, folder: Path) -> Any:
        root = folder / "bundle"
        root.mkdir()
        for path, original in files().items():
            (root / path).write_bytes(content if path == name else original)
        if fitted:
            info = json.loads(files()["bundle.json"])
            entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            info["files"][name] = entry
            (root / "bundle.json").write_text(json.dumps(info))
        (recognition,) = open_bundle(root).read([line_image(TEXT)])
        return recognition.text

    return use


def reads(text: Any) -> bool:
    return bool(text == TEXT)


def is_text(text: Any) -> bool:
    """Weights that were changed on purpose may read anything."""
    return isinstance(text, str)


def changed_manifests() -> Iterator[tuple[str, bytes]]:
    value = json.loads(files()["bundle.json"])
    for name, copy in odd_copies(value, leaves(value), "bundle", 3, missing=True):
        yield name, json.dumps(copy).encode()


def cases() -> dict[str, Hostile]:
    found: dict[str, Hostile] = {}
    use = with_file("bundle.json")
    for name, content in changed_manifests():
        found[f"manifest-{name}"] = Hostile(constant(content), use, UserError, "bundle", is_text)
    info = json.loads(files()["bundle.json"])
    for name in ("../outside", "/etc/passwd", "a/../../outside", "", "."):
        value = {**info, "files": {**info["files"], name: {"size": 1, "sha256": "0" * 64}}}
        content = json.dumps(value).encode()
        key = name.replace("/", "_") or "empty"
        found[f"file-named-{key}"] = Hostile(constant(content), use, UserError, "bundle")
    for name, content in {
        "empty": b"",
        "deep": b"[" * 100_000,
        "list": b"[]",
        "number": b"1",
        "not-utf8": b"\xff\xfe{}",
        "nan": json.dumps(info).replace('"format": 1', '"format": NaN').encode(),
        "newer": json.dumps({**info, "format": 99}).encode(),
        "older": json.dumps({**info, "format": 0}).encode(),
        "html": b"<html>404</html>",
    }.items():
        found[f"manifest-{name}"] = Hostile(constant(content), use, UserError, "bundle")
    for file, content in files().items():
        for name, part in [*cut(content, 5), *flipped(content, file, 12)]:
            found[f"{file}-{name}"] = Hostile(
                constant(part), with_file(file), UserError, "bundle", reads
            )
    for file in ("model.onnx", "dictionary.txt"):
        fitted = with_file(file, fitted=True)
        for name, part in [*cut(files()[file], 8), *flipped(files()[file], f"{file} fitted", 25)]:
            found[f"fitted-{file}-{name}"] = Hostile(
                constant(part), fitted, UserError, "bundle", is_text
            )
    return found
