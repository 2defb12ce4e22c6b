"""`ocr synth`: the same seed gives the same data set."""

from pathlib import Path

import pytest

from tests.pipelines.cli.command import call


def test_a_data_set_is_drawn_as_large_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ("--train", 3, "--test", 2, "--seed", 7, "--workers", 1)
    for name in ("one", "two"):
        assert call("synth", tmp_path / name, *sizes) == 0
    assert capsys.readouterr().out.endswith("two: 3 training and 2 test lines, seed 7\n")
    labels = [(tmp_path / name / "train/gt.txt").read_bytes() for name in ("one", "two")]
    assert labels[0] == labels[1]
    assert len(labels[0].splitlines()) == 3
    assert len((tmp_path / "one/test/gt.txt").read_bytes().splitlines()) == 2


def test_the_former_name_of_the_test_set_is_taken_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("synth", tmp_path / "one", "--train", 3, "--eval", 2, "--workers", 1) == 0
    assert len((tmp_path / "one/test/gt.txt").read_bytes().splitlines()) == 2
    hint = "ocr synth: --eval is now called --test; the next release knows only that\n"
    assert hint in capsys.readouterr().err
