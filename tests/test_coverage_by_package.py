"""The table that `make coverage` prints."""

import subprocess
import sys
from pathlib import Path

from tests.coverage_by_package import count, package_of, table

PROGRAM = """
import subprocess, sys
def child(): return 1 if len(sys.argv) > 1 else 2
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "again"], check=True)
child()
"""


def summary(lines: int, run: int, branches: int, taken: int) -> dict[str, dict[str, int]]:
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": run,
            "num_branches": branches,
            "covered_branches": taken,
        }
    }


def test_files_count_for_their_package_and_for_the_total() -> None:
    files = {
        "ocr_lib/data/image.py": summary(10, 5, 4, 1),
        "ocr_lib/data/labels/find.py": summary(30, 25, 0, 0),
        "ocr_lib/atomic.py": summary(1, 1, 0, 0),
    }
    counts = count(files)
    assert list(counts) == ["ocr_lib", "ocr_lib/data", "total"]
    assert (counts["ocr_lib/data"].lines, counts["ocr_lib/data"].lines_run) == (40, 30)
    assert (counts["total"].branches, counts["total"].branches_run) == (4, 1)
    last = table(counts).splitlines()[-1].split()
    assert last == ["total", "41", "75.6%", "4", "25.0%"]


def test_a_package_is_two_levels_deep() -> None:
    assert package_of("ocr_lib/data/labels/find.py") == "ocr_lib/data"
    assert package_of("components/images.py") == "components"


def test_lines_that_a_child_process_runs_count(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / ".coveragerc").write_text(
        "[run]\nbranch = true\nparallel = true\npatch = subprocess\n"
    )
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "run", "program.py"], cwd=tmp_path, check=True)
    subprocess.run([*coverage, "combine", "--quiet"], cwd=tmp_path, check=True)
    report = [*coverage, "report", "--include", "program.py", "--format", "total"]
    done = subprocess.run(report, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "100\n"
