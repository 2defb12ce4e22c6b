"""What holds for every image, read from its Dockerfile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.images import NAMES, image
from ocr_lib import __version__
from pipelines.task_settings import USER_ID

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images"
FILES = sorted(IMAGES.glob("*.Dockerfile"))
INSTALL = IMAGES / "install.sh"

each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def instructions(file: Path) -> list[str]:
    text = re.sub(r"\\\n", " ", file.read_text())
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_every_step_has_its_image() -> None:
    names = {file.name.removesuffix(".Dockerfile") for file in FILES}
    assert set(NAMES) < names
    assert names - set(NAMES) == {"triton", "triton-cpu"}
    assert image("data") == f"ocr-pipelines/data:{__version__}"


@each
def test_it_runs_as_the_user_that_the_pods_name_and_starts_what_it_is_told(file: Path) -> None:
    lines = instructions(file)
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM"))
    users = [line for line in lines[last:] if line.startswith("USER")]
    assert users[-1] == f"USER {USER_ID}:{USER_ID}"
    assert "ENTRYPOINT []" in lines[last:]


@each
def test_it_has_two_stages_and_a_base_that_is_not_the_latest_one(file: Path) -> None:
    lines = instructions(file)
    (base,) = [line.partition("=")[2] for line in lines if line.startswith("ARG")]
    assert ":" in base
    assert not base.endswith("latest")
    assert sum(line.startswith("FROM") for line in lines) >= 2
    assert lines[0].startswith("ARG")


@each
def test_it_builds_on_plain_docker(file: Path) -> None:
    text = file.read_text()
    assert "# syntax" not in text
    assert "--mount" not in text
    assert "<<" not in text


@each
def test_the_project_is_the_last_and_smallest_of_what_is_copied(file: Path) -> None:
    copied = [line for line in instructions(file) if line.startswith("COPY --from=build")]
    assert copied[-1].split()[-1] == "/opt/ocr"


@each
def test_every_package_comes_from_a_lock_with_digests(file: Path) -> None:
    (line,) = [n for n in instructions(file) if n.startswith("COPY images/install.sh")]
    locks = [ROOT / word for word in line.split() if word.startswith("requirements/")]
    assert len(locks) == 2
    for lock in locks:
        pins = re.findall(r"^([a-z][^ ]*==[^ ]+)", lock.read_text(), re.MULTILINE)
        assert pins
        assert lock.read_text().count("--hash=sha256:") >= len(pins)
    assert "pip install" not in file.read_text()
    for words in re.findall(r"\$PIP .*|wheels .*-r .*", INSTALL.read_text()):
        if "-r " in words or "install" in words:
            assert "--require-hashes" in words or "--no-index" in words, words


def install(*arguments: str, cwd: Path) -> str:
    command = ["sh", str(INSTALL), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=cwd, check=True)
    return run.stdout


def test_a_base_with_paddle_takes_the_place_of_the_lock_s(tmp_path: Path) -> None:
    lock = ROOT / "requirements" / "image-train.txt"
    rest = install("without", "paddlepaddle", str(lock), cwd=tmp_path)
    gone = set(lock.read_text().splitlines()) - set(rest.splitlines())
    version = install("locked", "paddlepaddle", str(lock), cwd=tmp_path).strip()
    assert f"paddlepaddle=={version} \\" in gone
    assert all("--hash" in line or line.startswith("paddlepaddle==") for line in gone)
    assert "paddle2onnx==" in rest


def test_the_base_s_paddle_is_found_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{python.parent}:/usr/bin:/bin")
    assert install("base_paddle", cwd=tmp_path) == ""
    site = tmp_path / "site" / "paddlepaddle_gpu-3.3.1.post126.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Name: paddlepaddle-gpu\nVersion: 3.3.1.post126\n")
    monkeypatch.setenv("PYTHONPATH", str(site.parent))
    assert install("base_paddle", cwd=tmp_path) == "3.3.1.post126\n"


def test_one_package_is_taken_from_a_lock_with_its_digests(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text(
        "a==1 \\\n    --hash=sha256:1\nab==2 \\\n    --hash=sha256:2\n"
    )
    assert install("only", "a", "lock.txt", cwd=tmp_path) == "a==1 \\\n    --hash=sha256:1\n"


def test_only_what_images_need_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line.strip("!/") for line in ignored if line.startswith("!")}
    copied = {
        word.split("/")[0]
        for file in FILES
        for line in instructions(file)
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert allowed == copied
