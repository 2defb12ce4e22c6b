"""Fixtures that several test packages use."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from hypothesis import HealthCheck, settings

from ocr_lib.cpu import configure_cpu

configure_cpu()  # before a test imports a numeric library, as every entry point does
pytest_plugins = ["tests.service_fixtures"]

# The same examples each time, however slow the machine; `--hypothesis-profile search` looks for
# new ones.
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("search", max_examples=1000, deadline=None, suppress_health_check=SLOW)
settings.load_profile("same")


def pytest_sessionfinish() -> None:
    """Saves what `make coverage` measured: pytest-xdist ends workers 10 s after their last test."""
    if measured := coverage.Coverage.current():
        measured.save()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Reference data kept outside the repository; OCR_SHARED names it. Skips where absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    path = Path(os.environ.get("OCR_SHARED", default))
    if not path.is_dir():
        pytest.skip("no reference data: set OCR_SHARED to its folder")
    return path


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where flushing takes no time: what counts here is the order of calls."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)
