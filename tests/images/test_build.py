import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from components.images import read_images
from ocr_lib import __version__
from ocr_lib.errors import ConfigError
from pipelines.kfp_api.package import commit_of
from tests.manifests import overlays
from tests.manifests.overlays import OVERLAYS, containers, pods

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "sha256:" + "0a" * 32
# Answers as docker does, and keeps what it was asked.
DOCKER = f"""#!{sys.executable}
import json, pathlib, sys
log = pathlib.Path(__file__).with_name("asked.jsonl")
log.open("a").write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "pull" and log.with_name("no-registry").exists():
    sys.exit("no such repository")
if sys.argv[1] == "inspect":
    if log.with_name("no-image").exists():
        print("[]")
        sys.exit("no such object")
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
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    monkeypatch.setattr(module, "RECORD", tmp_path / "build" / "images.json")
    monkeypatch.setattr(module, "MANIFESTS", tmp_path / "manifests")
    monkeypatch.setattr(module, "PINNED", tmp_path / "build" / "manifests")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    shutil.copytree(ROOT / "images", tmp_path / "images")
    for variable in ("PYTHON_BASE", "PADDLE_BASE", "TRITON_BASE"):
        monkeypatch.setenv(variable, f"base@{DIGEST}")
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
    folders = {f"{half}/{name}" for half in ("overlays", "kubeflow") for name in OVERLAYS}
    made = {str(f.parent.relative_to(build.PINNED)) for f in build.PINNED.rglob("*.yaml")}
    assert made == folders
    for folder in folders:
        used = images_of(build.PINNED / folder)
        assert used
        for name, image in used.items():
            assert image == f"r.example:5000/ocr/{name}@{DIGEST}"
        assert registries_of(build.PINNED / folder) == "['r.example:5000/ocr']"


def test_images_that_stay_here_are_named_by_version(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(build, monkeypatch)
    assert read_images(build.RECORD)["serve"] == f"ocr-pipelines/serve:{__version__}"
    # ... and that is what the manifests in the repository say
    for name in OVERLAYS:
        own = images_of(build.MANIFESTS / "overlays" / name)
        assert images_of(build.PINNED / "overlays" / name) == own
        assert set(own.values()) == {f"ocr-pipelines/{image}:{__version__}" for image in own}
        assert registries_of(build.PINNED / "overlays" / name) == "['ocr-pipelines']"


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
    used = images_of(build.PINNED / "overlays" / "prod")
    assert used["triton"] == f"r.example/ocr/triton@{DIGEST}"


def test_a_part_of_the_images_leaves_the_manifests_whole_and_git_clean(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        command = ["git", "-C", str(build.ROOT), *who, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    (build.ROOT / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "All")
    run(build, monkeypatch, "--registry", "r.example/ocr", "--push", "data", "serve", "triton-cpu")
    assert git("status", "--porcelain", "--untracked-files=no") == ""
    assert not commit_of(build.ROOT).endswith("-dirty")
    assert images_of(build.PINNED / "overlays" / "prod") == {
        "data": f"r.example/ocr/data@{DIGEST}",
        "serve": f"r.example/ocr/serve@{DIGEST}",
        "triton": f"ocr-pipelines/triton:{__version__}",  # not built: as in the repository
    }


def registries_of(folder: Path) -> str:
    """Returns where the images of training jobs may come from, as the policy says it."""
    objects = overlays.build(folder)
    policy = overlays.one(objects, "ValidatingAdmissionPolicy", "ocr-training-jobs")
    (variable,) = (v for v in policy["spec"]["variables"] if v["name"] == "registries")
    return str(variable["expression"])


def images_of(folder: Path) -> dict[str, str]:
    """Returns the project's images that a folder of manifests runs, by name."""
    images = {c["image"] for _, pod in pods(overlays.build(folder)) for c in containers(pod)}
    own = {re.split("[:@]", image.rpartition("/")[2])[0]: image for image in images}
    return {name: image for name, image in own.items() if name not in ("minio", "seaweedfs")}


def test_a_base_is_for_its_image_alone(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADDLE_BASE", "paddle:gpu")
    asked = run(build, monkeypatch, "data", "train")
    assert "--build-arg=PADDLE_BASE=paddle:gpu" not in asked[0]
    assert "--build-arg=PADDLE_BASE=paddle:gpu" in asked[1]
    assert "--label=org.opencontainers.image.base.name=paddle:gpu" in asked[1]
    assert f"--build-arg=BASE=base@{DIGEST}" in asked[0]


def test_images_on_a_base_without_a_digest_are_not_pushed_unless_it_is_named(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    push = ("--registry", "r.example/ocr", "--push", "train")
    monkeypatch.delenv("PADDLE_BASE")
    monkeypatch.delenv("PYTHON_BASE")
    with pytest.raises(SystemExit) as stopped:
        run(build, monkeypatch, *push)
    assert stopped.value.code == 2
    assert not build.ROOT.joinpath("asked.jsonl").exists()  # nothing was built
    said = capsys.readouterr().err
    base = build.base_of("train", {})[0]
    assert f"make images PYTHON_BASE={base}@sha256:" in said
    asked = run(build, monkeypatch, "train")  # by tag on this machine
    assert f"--label=org.opencontainers.image.base.name={base}" in asked[0]
    monkeypatch.setenv("PYTHON_BASE", base)
    pull, _, built, *_ = run(build, monkeypatch, *push)[1:]  # by the digest that the tag has today
    assert pull == ["pull", base]
    by_digest = f"{base.partition(':')[0]}@{DIGEST}"
    assert f"--build-arg=PADDLE_BASE={by_digest}" in built
    assert f"--label=org.opencontainers.image.base.name={by_digest}" in built


@pytest.mark.parametrize("here", [True, False])
def test_a_base_that_no_registry_has_is_taken_from_this_machine(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    monkeypatch.setenv("PADDLE_BASE", "localhost/paddle:gpu")
    build.ROOT.joinpath("no-registry").touch()
    push = ("--registry", "r.example/ocr", "--push", "train")
    if here:
        asked = run(build, monkeypatch, *push)
        built = next(words for words in asked if words[0] == "build")
        assert f"--build-arg=PADDLE_BASE=localhost/paddle@{DIGEST}" in built
        return
    build.ROOT.joinpath("no-image").touch()
    with pytest.raises(SystemExit, match=r"failed: .*docker pull localhost/paddle:gpu"):
        run(build, monkeypatch, *push)
    assert not build.RECORD.exists()


@pytest.mark.parametrize(
    ("reference", "digest"),
    [
        ("python:3.11", "python@sha256:1"),
        ("python:3.11", "docker.io/library/python@sha256:1"),
        ("python", "python@sha256:1"),
        ("r.example:5000/ocr/data:1", "r.example:5000/ocr/data@sha256:1"),
        ("r.example:5000/data", "r.example:5000/data@sha256:1"),
    ],
)
def test_an_image_is_found_among_those_of_other_registries(
    build: ModuleType, reference: str, digest: str
) -> None:
    others = ["elsewhere/x@sha256:2", "mypython@sha256:2", "r.example:5000/ocr/mydata@sha256:2"]
    assert build.pinned(reference, [*others, digest]) == digest
    with pytest.raises(SystemExit, match="the registry returned no digest"):
        build.pinned(reference, others)


def test_every_dockerfile_takes_its_base_by_the_argument_that_is_set(build: ModuleType) -> None:
    assert set(build.BASES) == set(build.NAMES)
    for name, (argument, _) in build.BASES.items():
        text = (ROOT / "images" / f"{name}.Dockerfile").read_text("utf-8")
        assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) <= {f"${{{argument}}}", "base"}


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
