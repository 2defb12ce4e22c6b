"""What a sample takes in memory is what docs/scale.md says."""

import re
from pathlib import Path

import pytest

from tests.memory_slopes import measure

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
ROW = re.compile(r"^\| ([^|]+?)(?:, (?:of|in) [^|]+)? \| (\d+) \| [\d.]+ GB \|$", re.MULTILINE)
SLACK = 2.0  # bytes: what does not grow is not quite the same at two sizes


@pytest.mark.slow
def test_a_sample_takes_the_memory_that_the_documentation_says(tmp_path: Path) -> None:
    stated = {job: float(figure) for job, figure in ROW.findall(PAGE.read_text("utf-8"))}
    measured = measure(tmp_path)
    assert stated.keys() == measured.keys()
    wrong = {
        job: (stated[job], slope)
        for job, slope in measured.items()
        if not 0.7 * stated[job] - SLACK <= slope <= stated[job] + SLACK
    }
    assert not wrong, f"stated, measured: {wrong}"
