"""Fixtures that several test packages use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Reference data kept outside the repository; OCR_SHARED names it. Skips where absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    path = Path(os.environ.get("OCR_SHARED", default))
    if not path.is_dir():
        pytest.skip("no reference data: set OCR_SHARED to its folder")
    return path
