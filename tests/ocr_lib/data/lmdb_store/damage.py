"""Damage to packed data sets, byte by byte."""

import re
from collections.abc import Callable
from pathlib import Path

from ocr_lib.data.lmdb_store import LmdbDataset

COUNT = 25


def flip(path: Path, offset: int, count: int = 1, mask: int = 0xFF) -> None:
    content = bytearray(path.read_bytes())
    for i in range(offset, offset + count):
        content[i] ^= mask
    path.write_bytes(content)


def flip_image(root: Path, row: int) -> None:
    """Changes one byte in the middle of an image of the first shard."""
    path = root / "shard-00000/data.mdb"
    image = LmdbDataset(root).sample(row).image
    flip(path, path.read_bytes().index(image) + len(image) // 2)


def flip_label(root: Path, row: int) -> None:
    """Changes the first letter of a label of the first shard."""
    path = root / "shard-00000/data.mdb"
    key = b"label-%09d" % (row + 1)
    record = key + LmdbDataset(root).sample(row).label.encode()
    content = path.read_bytes()
    for match in re.finditer(re.escape(record), content):  # pages of earlier commits have it, too
        flip(path, match.start() + len(key), mask=1)


def remove(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()
