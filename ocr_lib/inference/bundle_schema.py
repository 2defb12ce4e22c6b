"""Reading `bundle.json` and the dictionary, whatever is in them.

A bundle may come from anywhere: every size and count is bounded before it is used, every value is
checked, and whatever is wrong is a `BundleError` that names the file and the key.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path, PurePosixPath
from reprlib import Repr
from typing import Any

from ocr_lib.data.image import Preprocess
from ocr_lib.errors import ConfigError, UserError
from ocr_lib.text.dictionary import Charset

FORMAT = 1
MANIFEST = "bundle.json"
DICTIONARY = "dictionary.txt"
ONNX = "model.onnx"
REQUIRED_FILES = (DICTIONARY, ONNX)

MAX_MANIFEST_BYTES = 4 << 20  # a configuration and a hundred files are 20 kB
MAX_DICTIONARY_BYTES = 4 << 20  # all of Unicode is 4.4 MB; the largest known has 20,000 lines
MAX_CHARACTERS = 200_000
MAX_FILE_BYTES = 2 << 30  # what an ONNX file can hold
MAX_FILES = 1000
MAX_NAME_BYTES = 900
MAX_HEIGHT = 1024  # px of the network's input
MAX_WIDTH = 1 << 15
MAX_BUCKETS = 100

_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch
_OPTIONAL_MAPPINGS = ("metrics", "lineage", "digests", "versions", "config")
_short = Repr()
_short.maxstring = _short.maxother = 60


class BundleError(UserError):
    """A bundle is incomplete, damaged or not one."""


@dataclass(frozen=True)
class _ManifestValue:
    """A value of `bundle.json`, with what an error says of its place."""

    path: Path
    key: str
    value: Any

    def error(self, cause: str) -> BundleError:
        where = f"{self.path}: {self.key}" if self.key else str(self.path)
        return BundleError(where, cause, "Copy or export the bundle again")

    def unlike(self, kind: str) -> BundleError:
        return self.error(f"{_short.repr(self.value)} is not {kind}")

    def mapping(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.unlike("a mapping")
        return self.value

    def child(self, key: str) -> "_ManifestValue":
        value = self.mapping()
        name = f"{self.key}.{key}" if self.key else key
        if key not in value:
            raise _ManifestValue(self.path, name, None).error("the key is missing")
        return _ManifestValue(self.path, name, value[key])

    def items(self) -> Iterator["_ManifestValue"]:
        if not isinstance(self.value, list):
            raise self.unlike("a list")
        for number, item in enumerate(self.value):
            yield _ManifestValue(self.path, f"{self.key}[{number}]", item)

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.isprintable():
            raise self.unlike("a text on one line")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.unlike("true or false")
        return self.value

    def integer(self, least: int, most: int) -> int:
        if type(self.value) is not int or not least <= self.value <= most:
            raise self.unlike(f"a whole number from {least:,} to {most:,}")
        return self.value

    def digest(self) -> str:
        if not isinstance(self.value, str) or not _SHA256(self.value):
            raise self.unlike("a SHA-256 in hexadecimal digits")
        return self.value


def read_manifest(root: Path) -> dict[str, Any]:
    """Returns the content of `bundle.json`, every part of it checked that reading a bundle uses.

    Raises:
        BundleError: there is none, or something in it is not as it has to be.
    """
    path = root / MANIFEST
    if not path.exists():
        raise BundleError(str(root), f"no bundle ({MANIFEST} is missing)", "Export one")
    top = _ManifestValue(path, "", read_json(path))
    if (version := top.child("format").value) != FORMAT or type(version) is not int:
        cause = f"format {_short.repr(version)}, this version reads {FORMAT}"
        raise BundleError(f"{path}: format", cause, "Export it again")
    top.child("model_name").text()
    if "decoder" in top.mapping():
        top.child("decoder").text()
    for key in _OPTIONAL_MAPPINGS:
        if top.value.get(key) is not None:
            top.child(key).mapping()
    _check_files(top.child("files"))
    preprocess_of(root, top.value)
    characters = top.child("characters")
    characters.child("digest").digest()
    characters.child("lower").flag()
    characters.child("right_to_left").flag()
    return top.mapping()


def preprocess_of(root: Path, info: Mapping[str, Any]) -> Preprocess:
    """Returns the preprocessing that `bundle.json` describes.

    Args:
        root: the bundle's directory.
        info: the content of `bundle.json`.

    Raises:
        BundleError: a value is missing, unknown, or beyond what a network takes.
    """
    node = _ManifestValue(root / MANIFEST, "preprocess", info.get("preprocess"))
    checks = {
        "height": lambda item: item.integer(1, MAX_HEIGHT),
        "buckets": _buckets,
        "channels": lambda item: item.integer(1, 3),
        "keep_ratio": _ManifestValue.flag,
        "min_width": lambda item: item.integer(1, MAX_WIDTH),
        "width_step": lambda item: item.integer(1, MAX_WIDTH),
        "filter": _ManifestValue.text,
        "scale": _ManifestValue.text,
        "turn_tall": _ManifestValue.flag,
    }
    values = node.mapping()
    for key in values:
        if key not in checks:
            raise _ManifestValue(node.path, f"preprocess.{_short.repr(key)}", None).error(
                "an unknown key"
            )
    given = [f.name for f in fields(Preprocess) if f.name in values or f.default is MISSING]
    try:
        return Preprocess(**{name: checks[name](node.child(name)) for name in given})
    except ConfigError as error:
        raise node.error(error.cause) from None


def charset_of(root: Path, info: Mapping[str, Any]) -> Charset:
    """Returns the characters of a bundle.

    Args:
        root: the bundle's directory.
        info: the content of `bundle.json`, as `read_manifest` returns it.

    Raises:
        BundleError: the dictionary is missing, too large, not UTF-8, or another one.
    """
    path, described = root / DICTIONARY, info["characters"]
    content = read_bounded(path, MAX_DICTIONARY_BYTES)
    try:
        entries = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BundleError(
            f"{path}:{line}", "not UTF-8", "Copy or export the bundle again"
        ) from None
    if len(entries) > MAX_CHARACTERS:
        raise damaged(path, f"{len(entries):,} characters, more than {MAX_CHARACTERS:,}")
    charset = Charset(tuple(entries), described["lower"], described["right_to_left"])
    count = described.get("count", len(entries))
    if charset.digest != described["digest"] or count != len(entries):
        raise damaged(path, "not the characters the network was trained with")
    return charset


def check_unlisted(root: Path, listed: Mapping[str, Any]) -> None:
    """Refuses a bundle's directory that holds anything which `bundle.json` does not name.

    Raises:
        BundleError: names the first such file.
    """
    for folder, folders, names in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*links, *names):
            path = Path(folder) / name
            relative = path.relative_to(root).as_posix()
            if relative not in listed and relative != MANIFEST:
                raise BundleError(
                    str(path), f"{MANIFEST} does not name this file", "Remove it from the bundle"
                )


def read_json(path: Path) -> Any:
    """Returns the content of a JSON file of a bundle.

    Raises:
        BundleError: it is missing, too large, or no JSON.
    """
    content = read_bounded(path, MAX_MANIFEST_BYTES)
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not JSON ({error})") from None


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Returns the content of a file of a bundle.

    Raises:
        BundleError: it is missing, no regular file, or has more than `max_bytes`.
    """
    try:
        if not path.is_file():  # a FIFO would be waited for
            raise damaged(path, "the file is missing" if not path.exists() else "not a file")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error
    if len(content) > max_bytes:
        raise damaged(path, f"more than {max_bytes:,} bytes")
    return content


def damaged(path: Path, cause: str) -> BundleError:
    """Returns the error for a file of a bundle."""
    return BundleError(str(path), cause, "Copy or export the bundle again")


def _check_files(node: _ManifestValue) -> None:
    files = node.mapping()
    if len(files) > MAX_FILES:
        raise node.error(f"{len(files):,} files, more than {MAX_FILES:,}")
    for name in files:
        if not _is_name(name):
            raise node.error(f"{_short.repr(name)} is not a path inside the bundle")
        entry = node.child(name)
        entry.child("size").integer(0, MAX_FILE_BYTES)
        entry.child("sha256").digest()
    for name in REQUIRED_FILES:
        node.child(name)


def _is_name(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        name.isprintable()
        and len(name.encode()) <= MAX_NAME_BYTES
        and path.as_posix() == name
        and not path.is_absolute()
        and ".." not in path.parts
        and name not in (".", MANIFEST)
    )


def _buckets(node: _ManifestValue) -> tuple[int, ...]:
    widths = tuple(item.integer(1, MAX_WIDTH) for item in node.items())
    if len(widths) > MAX_BUCKETS:
        raise node.error(f"{len(widths):,} widths, more than {MAX_BUCKETS}")
    return widths


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
