"""LMDB folders, of this project and of other tools: miscounted, cut, changed."""

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import lmdb
import numpy as np

from ocr_lib.data.lmdb_store import LmdbDataset, pack
from ocr_lib.data.lmdb_store.plain import PlainLmdb
from ocr_lib.data.lmdb_store.verify import verify
from ocr_lib.errors import LmdbError
from tests.faults.cases import random_for
from tests.faults.hostile.case import Hostile, constant, cut, damaged, flipped, leaves, odd_copies
from tests.ocr_lib.data.lines import image, texts, write_lines

COUNT = 12
COUNTS = {
    "negative": b"-3",
    "more": b"99",
    "huge": b"1" * 400,
    "large": b"999999999999",
    "word": b"twelve",
    "nothing": b"",
    "arabic": "١٢".encode(),
    "hex": b"0xc",
    "fraction": b"12.0",
    "exponent": b"1e1",
    "nul": b"12\0",
    "binary": b"\x0c\0\0\0",
    "spaces": b"   ",
    "not-utf8": b"\xff",
    "underscore": b"1_2",
    "plus": b"+12",
}


@cache
def packed() -> dict[str, bytes]:
    """Returns the files of a small packed data set."""
    with tempfile.TemporaryDirectory() as folder:
        labels = write_lines(Path(folder), texts(COUNT))
        pack(labels, Path(folder), Path(folder) / "out")
        out = Path(folder) / "out"
        return {
            p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()
        }


def with_file(name: str) -> Callable[[bytes, Path], Any]:
    """Returns what opens the packed data set with one file replaced, and reads all of it."""

    def use(content: bytes, folder: Path) -> Any:
        for path, original in packed().items():
            target = folder / "set" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if path == name else original)
        dataset = LmdbDataset(folder / "set")
        problems = verify(folder / "set").problems
        found = []
        for i in range(min(len(dataset), 50)):
            try:
                found.append(dataset.sample(i).label)
            except LmdbError:
                found.append(None)
        return found, problems

    return use


def same_or_reported(value: Any) -> bool:
    """Labels are the packed ones; where they are not, the check has said so."""
    labels, problems = value
    return bool(problems) or labels == texts(COUNT)


def plain(content: bytes, folder: Path) -> list[str | None]:
    """Opens `data.mdb` as another tool's LMDB, and reads all of it."""
    (folder / "set").mkdir()
    (folder / "set/data.mdb").write_bytes(content)
    dataset = PlainLmdb(folder / "set")
    found: list[str | None] = []
    for i in range(min(len(dataset), 50)):
        try:
            found.append(dataset.sample(i).label)
        except LmdbError:
            found.append(None)
    assert len(dataset.sizes) == len(dataset)
    assert len(list(dataset.labels())) == len(dataset)
    return found


def of_records(records: dict[bytes, bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with lmdb.open(folder, map_size=1 << 24) as environment, environment.begin(write=True) as t:
            for key, value in records.items():
                t.put(key, value)
        return (Path(folder) / "data.mdb").read_bytes()


def records(count: bytes | None = b"3", **changes: bytes | None) -> bytes:
    """Returns an LMDB of three samples with some records changed or left out (None)."""
    found: dict[bytes, bytes] = {} if count is None else {b"num-samples": count}
    for i in range(1, 4):
        found[b"image-%09d" % i], found[b"label-%09d" % i] = image(i), b"text %d" % i
    for key, value in changes.items():
        name = key.replace("_", "-").encode()
        if value is None:
            found.pop(name)
        else:
            found[name] = value
    return of_records(found)


def any_of(*allowed: str | None) -> Callable[[list[str | None]], bool]:
    return lambda labels: all(label in allowed for label in labels)


def changed_manifests() -> Iterator[tuple[str, bytes]]:
    """Yields manifests with one value missing or odd, at every depth."""
    value = json.loads(packed()["manifest.json"])
    for name, copy in odd_copies(value, leaves(value), "manifest", 2, missing=True):
        yield name, json.dumps(copy).encode()


def cases() -> dict[str, Hostile]:
    none = any_of("text 1", "text 2", "text 3", None)
    found = {
        f"count-{name}": Hostile(lambda c=c: records(c), plain, LmdbError, "set")
        for name, c in COUNTS.items()
    }
    changed: dict[str, Callable[[], bytes]] = {
        "no-count": lambda: records(None),
        "zero": lambda: records(b"0"),
        "label-missing": lambda: records(label_000000002=None),
        "image-missing": lambda: records(image_000000002=None),
        "label-cp949": lambda: records(label_000000002="한글".encode("cp949")),
        "label-nul": lambda: records(label_000000002=b"\0"),
        "image-empty": lambda: records(image_000000002=b""),
        "image-text": lambda: records(image_000000002=b"no image"),
        "label-empty": lambda: records(label_000000002=b""),
        "from-zero": lambda: records(b"3", label_000000003=None, image_000000003=None),
    }
    accepted = any_of("text 1", "text 2", "text 3", None, "\0", "")
    for name, content in changed.items():
        found[f"plain-{name}"] = Hostile(content, plain, LmdbError, "set", accepted)
    content = records()
    for name, part in cut(content, 15):
        found[f"plain-{name}"] = Hostile(constant(part), plain, LmdbError, "set")
    for number in range(30):  # in the pages that are used; free ones hold nothing
        part = damaged(content[:8192], random_for(f"plain {number}")) + content[8192:]
        found[f"plain-head-{number}"] = Hostile(constant(part), plain, LmdbError, "set", is_list)
    for name, part in flipped(content, "plain", 25):
        found[f"plain-{name}"] = Hostile(constant(part), plain, LmdbError, "set", is_list)
    found["plain-sound"] = Hostile(lambda: content, plain, LmdbError, "set", none)
    for name, part in changed_manifests():
        use = with_file("manifest.json")
        found[f"manifest-{name}"] = Hostile(constant(part), use, LmdbError, "set", same_or_reported)
    return found | _changed_files()


def _changed_files() -> dict[str, Hostile]:
    """Data and sample tables that are not what the manifest names."""
    found: dict[str, Hostile] = {}
    for file in packed():
        use, short = with_file(file), file.replace("/", "-")
        for name, part in [*cut(packed()[file], 6), *flipped(packed()[file], file, 12)]:
            case = Hostile(constant(part), use, LmdbError, "set", same_or_reported)
            found[f"{short}-{name}"] = case
    table = next(name for name in packed() if name.endswith(".npy"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npy"
        np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
        found["table-of-objects"] = Hostile(
            constant(path.read_bytes()), with_file(table), LmdbError, "set", same_or_reported
        )
    head = b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }"
    for size in (10**9, 10**15, -1):
        content = (head % size).ljust(127) + b"\n"
        found[f"table-claims-{size}"] = Hostile(
            constant(content), with_file(table), LmdbError, "set", same_or_reported
        )
    return found


def is_list(value: Any) -> bool:
    """Without checksums a changed byte may be a changed label: that it ends well is all."""
    return isinstance(value, list)
