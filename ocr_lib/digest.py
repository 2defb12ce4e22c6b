"""SHA-256 digests of files and directory trees."""

import hashlib
from pathlib import Path

from ocr_lib.regular_file import open_regular

CHUNK_BYTES = 1 << 20


def sha256_file(path: str | Path) -> str:
    """Returns the hex SHA-256 of a regular file, read in chunks."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_tree(root: str | Path) -> str:
    """Returns one digest for all files below `root`: names and contents, in sorted order."""
    root = Path(root)
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()
