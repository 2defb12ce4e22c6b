"""`ocr pipeline compile` and `upload`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ocr_lib import __version__
from pipelines.cli import main as cli
from pipelines.cli.commands import PIPELINE_COMMANDS
from pipelines.cli.main import main
from tests.pipelines.cli.pipeline.conftest import Ocr
from tests.pipelines.kfp_api.kfp_server import KfpServer


@pytest.mark.parametrize("name", PIPELINE_COMMANDS)
def test_every_subcommand_has_help_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["pipeline", name, "--help"]) == 0
    assert f"ocr pipeline {name}" in capsys.readouterr().out.split("Examples:")[1]


def test_upload_says_the_version_and_its_page(server: KfpServer, ocr: Ocr) -> None:
    server.pages = True
    code, text = ocr("upload")
    assert code == 0
    assert "uploaded, read back and equal" in text
    assert f"{server.url}/#/pipelines/details/" in text
    assert "there already, read back and equal" in ocr("upload")[1]


def test_images_come_by_digest(tmp_path: Path) -> None:
    images = {name: f"registry/{name}@sha256:{'0' * 64}" for name in ("data", "train", "serve")}
    (tmp_path / "images.json").write_text(json.dumps(images))
    out = tmp_path / "package.yaml"
    command = ["pipeline", "compile", "--out", str(out), "--images", str(tmp_path / "images.json")]
    run = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", *command],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert "by tag" not in run.stderr
    executors = next(yaml.safe_load_all(out.read_bytes()))["deploymentSpec"]["executors"]
    assert {value["container"]["image"] for value in executors.values()} == set(images.values())


def test_images_by_tag_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = f"train=registry/train@sha256:{'0' * 64}"
    out = str(tmp_path / "package.yaml")
    assert main(["pipeline", "compile", "--out", out, "--image", train]) == 0
    said = capsys.readouterr().err
    assert f"data=ocr-pipelines/data:{__version__}, serve=ocr-pipelines/serve" in said
    assert "train=" not in said
    assert "--images build/images.json" in said


def test_a_number_of_devices_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipeline", "compile", "--train-accelerators", "-1"]) == 2
    said = "--train-accelerators: '-1' is not a whole number from 0 to 64"
    assert said in capsys.readouterr().err
