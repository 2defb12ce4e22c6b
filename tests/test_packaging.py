"""The wheel that the images install holds every file that the code reads."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ocr_lib", "components", "pipelines")
FOR_READERS = {".md"}  # of the source


def test_the_wheel_holds_every_data_file(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    build = "from setuptools.build_meta import build_wheel; build_wheel('out')"
    subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True, timeout=300
    )
    (wheel,) = (tmp_path / "out").glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = {
        path.relative_to(tmp_path).as_posix()
        for name in PACKAGES
        for path in (tmp_path / name).rglob("*")
        if path.is_file() and path.suffix not in FOR_READERS
    }
    assert files - packed == set()
