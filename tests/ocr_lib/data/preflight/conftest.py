"""Fixtures of preflight's tests."""

from pathlib import Path

import pytest

from ocr_lib.config.schema import Config
from tests.ocr_lib.data.preflight.configured import GOOD, config, wide


@pytest.fixture
def good(tmp_path: Path) -> Config:
    train = wide(tmp_path, GOOD, "train.txt")
    return config(tmp_path, train, wide(tmp_path, GOOD[:20], "eval.txt", 1000))
