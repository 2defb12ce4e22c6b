"""`ocr import`: an exported recogniser becomes weights to train on."""

from pathlib import Path

import pytest

from pipelines.cli.main import main
from tests.ocr_lib.converters.conftest import Exported


def test_the_command_says_what_came_of_it(
    v4: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    args = ["import", str(v4.onnx), "--out", str(out), "--config", str(v4.config)]
    assert main(args) == 0
    said = capsys.readouterr().out
    assert "fused: 0.0" in said
    assert "36 characters" in said
    assert "on 27 drawn lines (allowed: 0.0001)" in said
    assert main(["config", "check", "-c", str(out / "config.yml"), "--no-build"]) == 0
    assert main(["import", str(tmp_path / "absent.onnx"), "--out", str(out)]) == 2
    assert "no such file" in capsys.readouterr().err
