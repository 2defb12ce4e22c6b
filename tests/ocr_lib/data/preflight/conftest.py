"""Fixtures of preflight's tests."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.ocr_lib.data.preflight.configured import GOOD, config, wide


@pytest.fixture
def good(tmp_path: Path) -> SimpleNamespace:
    train = wide(tmp_path, GOOD, "train.txt")
    return config(tmp_path, train, wide(tmp_path, GOOD[:20], "eval.txt", 1000))
