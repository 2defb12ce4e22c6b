"""`ocr eval`, and `ocr gate` on what it writes."""

import json
import re
from pathlib import Path

import pytest

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.inference.bundle import Bundle
from tests.pipelines.cli.command import call

Capture = pytest.CaptureFixture[str]


def lines_of(capsys: Capture) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_eval_and_gate(run_dir: Path, bundle: Bundle, tmp_path: Path, capsys: Capture) -> None:
    config = ["-c", run_dir / "config.yml"]
    candidate, champion, page = (tmp_path / name for name in ("a.json", "b.json", "r.html"))
    assert call("eval", *config, "--json", candidate, "--html", page) == 0
    printed = lines_of(capsys)
    assert re.fullmatch(r"\[[\d/]+ [\d:]+\] ppocr INFO: metric eval \*{15}", printed[0])
    report = EvalReport.load(candidate)
    assert printed[1].endswith(f"acc:{report.paddleocr['acc']}")
    assert f"on {report.samples} lines" in printed[4]
    assert page.read_text("utf-8").startswith("<!doctype html>")

    assert call("eval", *config, "--bundle", bundle.root, "--json", champion) == 0
    assert EvalReport.load(champion).outcomes == report.outcomes
    capsys.readouterr()
    gate = [candidate, "--champion", champion, "--min-samples", 20]
    assert call("gate", *gate) == 0
    assert lines_of(capsys)[-1] == "accepted"
    assert call("gate", *gate, "--min-accuracy", 1.0, "--html", page) == 0
    assert lines_of(capsys)[-1] == "refused"
    assert call("gate", *gate, "--min-accuracy", 1.0, "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_eval_counts_leaked_images(run_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    path, config = tmp_path / "a.json", ["-c", run_dir / "config.yml", "--limit", 2]
    train = run_dir.parent / "train" / "lmdb"
    assert call("eval", *config, "--json", path) == 0
    assert EvalReport.load(path).leaked is None
    leaky = ["-o", f"Eval.dataset.data_dir={train}", "--leaks"]
    assert call("eval", *config, *leaky, "--json", path) == 0
    assert EvalReport.load(path).leaked == 80
    assert "80 images are training images too" in capsys.readouterr().out
    capsys.readouterr()
    assert call("gate", path, "--min-samples", 1) == 0
    assert lines_of(capsys)[-1] == "refused"
