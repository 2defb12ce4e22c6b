"""The verdict on a whole configuration."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.preflight import preflight
from ocr_lib.errors import ConfigError, DictionaryError
from tests.ocr_lib.data.preflight.configured import GOOD, block, causes, check, wide


def test_good_data_pass(good: SimpleNamespace) -> None:
    report = preflight(good)
    assert report.passed
    assert causes(report.warnings) == []
    assert report.numbers["train"]["samples"] == 40
    assert report.numbers["train"]["label_length"]["max"] == 7
    assert report.numbers["train"]["width_px"]["median"] == 320
    assert report.numbers["validation"]["samples_by_width_bucket"] == {"320": 20}
    assert report.markdown().startswith("# Preflight passed")


def test_packed_data_are_checked_like_lists(good: SimpleNamespace, tmp_path: Path) -> None:
    expected = preflight(good).to_dict()
    for name in ("train", "eval"):
        dataset = getattr(good, name).dataset
        pack(Path(dataset.label_file_list[0]), tmp_path, tmp_path / name)
        dataset.kind, dataset.data_dir = "LMDBDataSet", str(tmp_path / name)
    found = preflight(good).to_dict()
    for report in (expected, found):
        report["numbers"].pop("machine")
    assert found == expected


def test_characters_that_training_never_shows(good: SimpleNamespace, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD[:19], "WORD"], "eval.txt", 1000)
    (warning,) = preflight(good).warnings
    assert "1 validation labels (5.00%) have characters that no training label has: D O R W" in (
        warning.cause
    )


def test_data_that_cannot_be_opened_are_problems(good: SimpleNamespace, tmp_path: Path) -> None:
    good.train.dataset.label_file_list = (str(tmp_path / "none.txt"),)
    Path(good.eval.dataset.label_file_list[0]).write_text("\n")
    report = preflight(good)
    assert [finding.check for finding in report.problems] == ["train", "validation"]
    assert "none.txt: no such label list" in report.problems[0].cause
    assert report.problems[1].cause == "there are no samples"
    assert "Preflight failed" in report.markdown()


def test_wrong_configurations_are_errors(good: SimpleNamespace) -> None:
    good.global_.character_dict_path = "none.txt"
    with pytest.raises(DictionaryError):
        preflight(good)
    good.global_.character_dict_path = "en"
    good.eval.dataset.transforms = ()
    with pytest.raises(ConfigError):
        preflight(good)


def test_without_a_validation_set_there_is_a_warning(good: SimpleNamespace, tmp_path: Path) -> None:
    good.eval = block(tmp_path)
    report = preflight(good)
    assert report.passed
    assert [finding.check for finding in report.warnings if "no valid" in finding.cause] == [
        "validation"
    ]
    assert "validation" not in report.numbers


def test_a_test_set_is_no_validation_set(good: SimpleNamespace, tmp_path: Path) -> None:
    pack(good.eval.dataset.label_file_list[0], tmp_path, tmp_path / "lmdb", role="test")
    good.eval.dataset.kind, good.eval.dataset.data_dir = "LMDBDataSet", str(tmp_path / "lmdb")
    check(preflight(good), f"validation: {tmp_path}/lmdb: packed as a test set")
