"""Digests of files and trees."""

import hashlib
import os
from pathlib import Path

import pytest

from ocr_lib.digest import CHUNK_BYTES, sha256_file, sha256_tree


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 3])
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def tree(root: Path, files: dict[str, str]) -> str:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return sha256_tree(root)


def test_names_and_contents_decide_and_order_does_not(tmp_path: Path) -> None:
    files = {"a": "1", "b/c": "2", "b/d": ""}
    same = tree(tmp_path / "same", dict(reversed(files.items())))
    assert tree(tmp_path / "one", files) == same
    others = [
        tree(tmp_path / "content", {**files, "a": "2"}),
        tree(tmp_path / "name", {"x": "1", "b/c": "2", "b/d": ""}),
        tree(tmp_path / "more", {**files, "e": ""}),
        tree(tmp_path / "moved", {"a": "1", "c": "2", "b/d": ""}),
    ]
    assert len({same, *others}) == 5


def test_empty_folders_do_not_count(tmp_path: Path) -> None:
    one = tree(tmp_path, {"a": "1"})
    (tmp_path / "empty").mkdir()
    assert sha256_tree(tmp_path) == one
