"""`ocr export`: from a run directory, and as PaddleOCR is called."""

from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import Bundle
from tests.pipelines.cli.command import call

Capture = pytest.CaptureFixture[str]


def lines_of(capsys: Capture) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_export_from_a_run_folder(run_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    assert call("export", run_dir, tmp_path / "b", "--checkpoint", "latest") == 0
    printed = lines_of(capsys)
    opened = Bundle.open(tmp_path / "b")
    assert printed[0] == f"inference model is saved to {tmp_path / 'b'}"
    assert printed[1].startswith("parity on 16 images at 2 widths: largest difference ")
    assert printed[2] == f"bundle {opened.digest}"
    assert opened.info["lineage"] == {"checkpoint": "latest"}


def test_export_as_paddleocr_is_called(run_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    options = [
        f"Global.pretrained_model={run_dir / 'latest'}",
        f"Global.save_inference_dir={tmp_path / 'b'}",
    ]
    assert call("export", "-c", run_dir / "config.yml", "-o", *options) == 0
    assert (tmp_path / "b" / "inference.pdiparams").exists()
    with pytest.raises(ConfigError, match="RUN, -c: exactly one of the two"):
        call("export")
