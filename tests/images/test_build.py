import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from components.images import read_images
from ocr_lib import __version__
from ocr_lib.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "sha256:" + "0a" * 32
# Answers as docker does, and keeps what it was asked.
DOCKER = f"""#!{sys.executable}
import json, pathlib, sys
log = pathlib.Path(__file__).with_name("asked.jsonl")
log.open("a").write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "inspect":
    name = sys.argv[-1].rpartition(":")[0]
    print(json.dumps(["elsewhere/x@sha256:{"f" * 64}", name + "@{DIGEST}"]))
"""


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_images", ROOT / "images" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "manifests").mkdir()
    monkeypatch.setattr(module, "RECORD", tmp_path / "build" / "images.json")
    monkeypatch.setattr(module, "COMPONENT", tmp_path / "manifests" / "kustomization.yaml")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return module


def run(build: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[list[str]]:
    docker = build.ROOT / "docker"
    monkeypatch.setattr(sys, "argv", ["build.py", "--docker", str(docker), *arguments])
    build.main()
    asked = docker.with_name("asked.jsonl").read_text().splitlines()
    return [json.loads(line) for line in asked]


def test_pushed_images_are_named_by_digest(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run(build, monkeypatch, "--registry", "r.example:5000/ocr", "--push")
    assert [words[0] for words in asked] == ["build", "push", "inspect"] * len(build.NAMES)
    images = read_images(build.RECORD)
    assert images["train"] == f"r.example:5000/ocr/train@{DIGEST}"
    listed = {i["name"]: i for i in yaml.safe_load(build.COMPONENT.read_text())["images"]}
    assert listed["ocr-pipelines/data"]["newName"] == "r.example:5000/ocr/data"
    assert listed["ocr-pipelines/data"]["digest"] == DIGEST


def test_images_that_stay_here_are_named_by_version(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(build, monkeypatch)
    assert read_images(build.RECORD)["serve"] == f"ocr-pipelines/serve:{__version__}"
    # ... and that is what the manifests in the repository say
    committed = ROOT / "manifests" / "components" / "images" / "kustomization.yaml"
    assert build.COMPONENT.read_text() == committed.read_text()


def test_one_image_alone_leaves_the_others_as_they_were(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(build, monkeypatch, "--registry", "r.example/ocr", "--push")
    run(build, monkeypatch, "train")
    assert read_images(build.RECORD) == {
        "data": f"r.example/ocr/data@{DIGEST}",
        "train": f"ocr-pipelines/train:{__version__}",
        "serve": f"r.example/ocr/serve@{DIGEST}",
    }


def test_a_base_is_for_its_image_alone(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADDLE_BASE", "paddle:gpu")
    asked = run(build, monkeypatch, "data", "train")
    assert "--build-arg=PADDLE_BASE=paddle:gpu" not in asked[0]
    assert "--build-arg=PADDLE_BASE=paddle:gpu" in asked[1]


@pytest.mark.parametrize("arguments", [("nothing",), ("--push",)])
def test_what_cannot_be_built_is_refused(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit):
        run(build, monkeypatch, *arguments)


def test_a_build_that_fails_leaves_no_record(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (build.ROOT / "docker").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(SystemExit, match="failed"):
        run(build, monkeypatch, "data")
    assert not build.RECORD.exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"data": "x:1", "train": "x:1"}', '{"data": "x 1"}']
)
def test_a_record_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "images.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="make images"):
        read_images(path)


def test_make_passes_on_what_it_is_told() -> None:
    command = ["make", "-n", "images", "REGISTRY=r.example/ocr", "PUSH=1", "IMAGES=data train"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert 'images/build.py --registry "r.example/ocr" --push data train' in " ".join(shown.split())
