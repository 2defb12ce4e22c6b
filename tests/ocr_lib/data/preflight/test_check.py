"""The verdict on a whole configuration."""

from pathlib import Path

import pytest

from ocr_lib.config.schema import Config
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.preflight import preflight
from ocr_lib.errors import ConfigError, DictionaryError
from tests.ocr_lib.data.preflight.configured import GOOD, block, causes, changed, check, wide


def test_good_data_pass(good: Config) -> None:
    report = preflight(good)
    assert report.passed
    assert causes(report.warnings) == []
    assert report.numbers["train"]["samples"] == 40
    assert report.numbers["train"]["label_length"]["max"] == 7
    assert report.numbers["train"]["width_px"]["median"] == 320
    assert report.numbers["validation"]["samples_by_width_bucket"] == {"320": 20}
    assert report.markdown().startswith("# Preflight passed")


def test_packed_data_are_checked_like_lists(good: Config, tmp_path: Path) -> None:
    expected = preflight(good).to_dict()
    for name, split in (("Train", good.train), ("Eval", good.eval)):
        pack(Path(split.dataset.label_file_list[0]), tmp_path, tmp_path / name)
        lmdb = {"name": "LMDBDataSet", "data_dir": str(tmp_path / name)}
        good = changed(good, **{f"{name}.dataset.{key}": value for key, value in lmdb.items()})
    packed = preflight(good).to_dict()
    for report in (expected, packed):
        report["numbers"].pop("machine")
    assert packed == expected


def test_characters_that_training_never_shows(good: Config, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD[:19], "WORD"], "eval.txt", 1000)
    (warning,) = preflight(good).warnings
    assert "1 validation labels (5.00%) have characters that no training label has: D O R W" in (
        warning.cause
    )


def test_data_that_cannot_be_opened_are_problems(good: Config, tmp_path: Path) -> None:
    good = changed(good, **{"Train.dataset.label_file_list": [str(tmp_path / "none.txt")]})
    Path(good.eval.dataset.label_file_list[0]).write_text("\n")
    report = preflight(good)
    assert [finding.check for finding in report.problems] == ["train", "validation"]
    assert "none.txt: no such label list" in report.problems[0].cause
    assert report.problems[1].cause == "there are no samples"
    assert "Preflight failed" in report.markdown()


def test_wrong_configurations_are_errors(good: Config) -> None:
    good = changed(good, **{"Global.character_dict_path": "none.txt"})
    with pytest.raises(DictionaryError):
        preflight(good)
    good = changed(good, **{"Global.character_dict_path": "en"})
    good = changed(good, **{"Eval.dataset.transforms": []})
    with pytest.raises(ConfigError):
        preflight(good)


def test_without_a_validation_set_there_is_a_warning(good: Config, tmp_path: Path) -> None:
    good = changed(good, Eval=block(tmp_path))
    report = preflight(good)
    assert report.passed
    assert [finding.check for finding in report.warnings if "no valid" in finding.cause] == [
        "validation"
    ]
    assert "validation" not in report.numbers


def test_a_test_set_is_no_validation_set(good: Config, tmp_path: Path) -> None:
    pack(good.eval.dataset.label_file_list[0], tmp_path, tmp_path / "lmdb", role="test")
    lmdb = {"name": "LMDBDataSet", "data_dir": str(tmp_path / "lmdb")}
    good = changed(good, **{f"Eval.dataset.{key}": value for key, value in lmdb.items()})
    check(preflight(good), f"validation: {tmp_path}/lmdb: packed as a test set")
