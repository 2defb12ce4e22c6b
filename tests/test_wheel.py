"""The wheel: what is in it, and that a client needs nothing but its extra."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ocr_lib.serving.triton_server import TritonServer
from tests.bundle_fixtures import bundle, golden
from tests.ocr_lib.serving.conftest import served
from tests.ocr_lib.serving.loaded import MODEL
from tests.ocr_lib.serving.tiny_bundle import line_image

__all__ = ["bundle", "golden", "served"]  # fixtures

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ocr_lib", "components", "pipelines")
# What the whole project uses and a client must not need.
NOT_NEEDED = (
    *("boto3", "click", "cv2", "jinja2", "kfp", "kubernetes", "lmdb", "minio"),
    *("onnx", "onnxruntime", "paddle", "paddleocr", "PIL", "rapidfuzz", "yaml"),
)
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
READ = f"""
import importlib.util, sys
from ocr_lib.serving.client import RecognitionClient

with RecognitionClient(sys.argv[1], {MODEL!r}) as client:
    print(client.read(sys.stdin.buffer.read()).text)
for name in {NOT_NEEDED!r}:
    assert name not in sys.modules, name
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built without an index."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, str(out)],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=240,
    )
    (built,) = out.glob("*.whl")
    return built


def test_every_file_that_the_packages_read_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    kinds = ("*.py", "*.yml", "*.yaml", "*.html", "*.css", "py.typed")
    expected = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for kind in kinds
        for path in (ROOT / package).rglob(kind)
    }
    assert expected <= names  # setuptools packs py.typed by itself
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert any(name.endswith("/cpu_line.yml") for name in names)
    assert "ocr_lib/report/templates/page.html" in names
    (licence,) = (name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    others = {name.partition("/")[0] for name in names} - {*PACKAGES}
    assert [name.endswith(".dist-info") for name in others] == [True]  # no tests, no tools


def test_the_project_s_data_files_are_of_the_kinds_that_are_packed() -> None:
    """A new kind of file has to be added to the package data, and to the test above."""
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kinds = {Path(name).suffix or Path(name).name for name in listed.stdout.splitlines()}
    assert kinds <= {".py", ".yml", ".yaml", ".html", ".css", ".md", ".typed"}


@pytest.fixture(scope="module")
def client_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel with its client extra, and no more."""
    uv = shutil.which("uv") or str(ROOT / ".venv-uv/bin/uv")
    if not Path(uv).exists():
        pytest.skip("no uv here: make setup")
    venv = tmp_path_factory.mktemp("client") / "venv"
    python = venv / "bin" / "python"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [uv, *words], capture_output=True, text=True, check=False, timeout=300
        )

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert run("venv", "--python", version, str(venv)).returncode == 0
    install = ("pip", "install", "--offline", "--python", str(python))
    locked = ("--constraints", str(ROOT / "requirements/serve.txt"))
    cached = run(*install, "--dry-run", *locked, "numpy", "tritonclient[grpc]")
    if cached.returncode:
        reason = cached.stderr.strip().splitlines()[-1:]
        pytest.skip(f"uv's cache has not what the client needs: {reason}")
    done = run(*install, *locked, f"{wheel}[client]")
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.slow
def test_a_client_reads_with_its_extra_alone(client_python: Path, served: TritonServer) -> None:
    done = subprocess.run(
        [client_python, "-I", "-c", READ, served.url],
        input=line_image("abc"),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.decode() == "abc\n", done.stderr.decode()


@pytest.mark.slow
def test_a_command_without_its_packages_says_which_one(client_python: Path) -> None:
    done = subprocess.run(
        [client_python.with_name("ocr"), "--help"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.startswith("ocr: needs the package click, which is not installed.")
    assert len(done.stderr.splitlines()) == 1


REFUSE = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {NOT_NEEDED!r}:
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import ocr_lib.serving.client
"""


def test_a_client_imports_with_every_other_package_refused() -> None:
    installed = [name for name in NOT_NEEDED if importlib.util.find_spec(name)]
    assert {"click", "kfp", "minio", "onnxruntime", "paddle", "yaml"} <= set(installed)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-c", REFUSE], cwd=ROOT, env=environment, check=True, timeout=120
    )
