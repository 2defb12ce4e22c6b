"""`ocr preflight` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.ocr_lib.data.lines import write_lines
from tests.pipelines.cli.command import call


def test_preflight_of_a_shipped_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write_lines(tmp_path, ["Total 1", "2.50"], "train.txt")
    evaluation = write_lines(tmp_path, ["1", "2"], "eval.txt")
    words = ["-c", "rec_en_number_lite_train"]
    for name, path in (("Train", train), ("Eval", evaluation)):
        words += ["-o", f"{name}.dataset.data_dir={tmp_path}"]
        words += ["-o", f"{name}.dataset.label_file_list=[{path}]"]
    files = ("--report", tmp_path / "report.md", "--json", tmp_path / "report.json")
    assert call("preflight", *words, *files) == 2
    out = capsys.readouterr().out
    assert "validation images are training images too" in out
    assert out.startswith("preflight failed\nproblem: ")
    assert not any(mark in out for mark in ("#", "**", "\\", "| "))  # no mark-up in a terminal
    assert "eval.txt_0.jpg" in out
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# Preflight failed")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["passed"] is False
    (tmp_path / "images/eval.txt_0.jpg").unlink()
    (tmp_path / "images/eval.txt_1.jpg").unlink()
    assert call("preflight", *words, "--max-bad-fraction", 1, "--max-leak-share", 1) == 0
