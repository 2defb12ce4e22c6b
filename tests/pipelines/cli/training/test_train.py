"""`ocr train`: one line says what came of it."""

from pathlib import Path

import pytest

from tests.ocr_lib.training.line_data import make_lines, small_options
from tests.pipelines.cli.command import call


def test_a_training_says_where_its_result_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_lines(tmp_path / "train", 8, seed=1), make_lines(tmp_path / "eval", 4, seed=2)
    run_dir = tmp_path / "run"
    options = small_options(*data, run_dir, **{"Global.epoch_num": 1})
    command = ("train", "-c", "cpu_line", "-o", *options)
    assert call(*command) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{run_dir}: 1 epochs, ")
    assert (run_dir / "latest.pdparams").is_file()
    assert call(*command) == 0  # nothing is left to do
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{run_dir}: 1 epochs, ")
    assert call(*command, "--fresh") == 0
    assert "epoch: [1/1]" in capsys.readouterr().out
