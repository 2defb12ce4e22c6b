"""`ocr gate` and `ocr gate-rates`: verdicts and rates as rows and as JSON."""

import json
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from tests.components.eval_reports import report_with
from tests.pipelines.cli.command import call


def test_a_verdict_is_printed_for_people_and_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, accuracy in (("new", 0.9), ("old", 0.95)):
        report_with(accuracy).save(tmp_path / name)
    assert call("gate", tmp_path / "new") == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[-1] == "accepted"
    assert all(row.startswith("pass  ") for row in rows[:-1])
    page = tmp_path / "verdict.html"
    assert call("gate", tmp_path / "new", "--champion", tmp_path / "old", "--html", page) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[-1] == "refused"
    assert any(row.startswith("FAIL  accuracy drop") for row in rows)
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert call("gate", tmp_path / "new", "--min-accuracy", 0.99, "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_a_threshold_out_of_its_bounds_names_the_option(tmp_path: Path) -> None:
    report_with(0.9).save(tmp_path / "new")
    with pytest.raises(ConfigError, match=r"^--confidence: "):
        call("gate", tmp_path / "new", "--confidence", 1.5)


def test_the_command_prints_a_row_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--samples", "200", "--difference", "0", "-0.05", "--draws", "5"]
    assert call("gate-rates", *options) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["200", "+0.000"], ["200", "-0.050"]]
    with pytest.raises(ConfigError, match="no two models differ by"):
        call("gate-rates", "--difference", "0.5")


def test_rates_are_printed_as_json_by_the_set_that_chose(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--samples", 200, "--difference", 0, "--draws", 5, "--checkpoints", 3)
    assert call("gate-rates", *options, "--json") == 0
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [row["chosen_on"] for row in rows] == ["test", "test, champion too", "validation"]
    assert {row["draws"] for row in rows} == {5}
    with pytest.raises(ConfigError, match=r"^--correlation: "):
        call("gate-rates", *options, "--correlation", 0, "--disagreement", 0.001)
