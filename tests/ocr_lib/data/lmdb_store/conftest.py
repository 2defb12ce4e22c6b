"""Fixtures of lmdb_store's tests."""

from pathlib import Path

import pytest

from ocr_lib.data.lmdb_store import pack
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.data.lmdb_store.damage import COUNT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    pack(write_lines(tmp_path, texts(COUNT)), tmp_path, tmp_path / "out", shard_samples=10)
    return tmp_path / "out"
