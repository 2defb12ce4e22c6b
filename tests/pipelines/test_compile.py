import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.images import NAMES, image
from ocr_lib.errors import ConfigError, OcrError
from pipelines.compile import MAX_COMPONENT_BYTES, check_sizes, compile_pipeline, image_variables


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "ocr_pipeline.yaml"
    compile_pipeline(path)
    return path


def test_another_process_writes_the_same_bytes_but_for_the_image_it_is_given(
    package: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.yaml"
    given = "registry/serve@sha256:00"
    arguments = ["pipeline", "compile", "--out", str(out), "--image", f"serve={given}"]
    subprocess.run([sys.executable, "-m", "pipelines.cli", *arguments], check=True, timeout=240)
    assert out.read_text("utf-8") == package.read_text("utf-8").replace(image("serve"), given)


def test_both_documents_are_in_the_package(package: Path) -> None:
    specification, platform = yaml.safe_load_all(package.read_bytes())
    executors = set(specification["deploymentSpec"]["executors"])
    assert set(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]) == executors


def test_the_code_of_every_step_is_far_from_the_limit(package: Path) -> None:
    specification = next(yaml.safe_load_all(package.read_bytes()))
    for executor in specification["deploymentSpec"]["executors"].values():
        assert len("".join(executor["container"]["command"])) < MAX_COMPONENT_BYTES / 20


def test_a_component_that_no_backend_could_start_is_refused() -> None:
    container = {"command": ["sh"], "args": ["é" * (MAX_COMPONENT_BYTES // 2)]}
    spec: dict[str, Any] = {"deploymentSpec": {"executors": {"exec-a": {"container": container}}}}
    with pytest.raises(OcrError, match="exec-a: 131,074 bytes"):
        check_sizes(spec)


def test_images_are_given_by_name() -> None:
    assert image_variables(["train=registry/ocr@sha256:00"]) == {
        "OCR_IMAGE_TRAIN": "registry/ocr@sha256:00"
    }
    for wrong in ("gpu=a", "train", "train="):
        with pytest.raises(ConfigError, match=", ".join(NAMES)):
            image_variables([wrong])
