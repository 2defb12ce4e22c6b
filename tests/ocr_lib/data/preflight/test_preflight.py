"""The preflight's findings on data made to have them."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from ocr_lib.config.schema import ComponentConfig
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.preflight import Finding, PreflightReport, preflight
from ocr_lib.data.preflight import machine as machine_module
from ocr_lib.errors import ConfigError, DictionaryError
from tests.ocr_lib.data.hostile_images import tiff_bomb
from tests.ocr_lib.data.lines import image, write_lines

CRNN = {
    "model_type": "rec",
    "algorithm": "CRNN",
    "Backbone": {"name": "MobileNetV3", "scale": 0.5, "model_name": "small"},
    "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn"},
    "Head": {"name": "CTCHead"},
}
GOOD = [f"word {i}" for i in range(40)]


def block(folder: Path, *lists: Path) -> SimpleNamespace:
    return SimpleNamespace(
        dataset=SimpleNamespace(
            kind="SimpleDataSet",
            named=bool(lists),
            data_dir=str(folder),
            label_file_list=tuple(map(str, lists)),
            ratio_list=(1.0,) * len(lists),
            delimiter="\t",
            transforms=(ComponentConfig("RecResizeImg", {"image_shape": [3, 32, 320]}),),
        )
    )


def config(folder: Path, train: Path, evaluation: Path, **keys: Any) -> SimpleNamespace:
    settings = {
        "character_dict_path": "en",
        "use_space_char": True,
        "max_text_length": 25,
        "width_buckets": None,
        "save_model_dir": str(folder / "runs/a"),
        "distributed": False,
    }
    return SimpleNamespace(
        global_=SimpleNamespace(**settings | keys),
        architecture=CRNN,
        train=block(folder, train),
        eval=block(folder, evaluation),
    )


def wide(folder: Path, labels: Sequence[str], name: str, first: int = 0) -> Path:
    """Writes lines whose images are wide enough for any label here, all different."""
    path = write_lines(folder, labels, name)
    for i in range(len(labels)):
        (folder / f"images/{name}_{i}.jpg").write_bytes(image(first + i, 320, 32))
    return path


@pytest.fixture
def good(tmp_path: Path) -> SimpleNamespace:
    train = wide(tmp_path, GOOD, "train.txt")
    return config(tmp_path, train, wide(tmp_path, GOOD[:20], "eval.txt", 1000))


def causes(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.check}: {finding.cause}" for finding in findings]


def check(report: PreflightReport, problem: str) -> Finding:
    """Asserts that there is one problem and returns it; the report's two forms have it."""
    assert len(report.problems) == 1, causes(report.problems)
    finding = report.problems[0]
    assert problem in f"{finding.check}: {finding.cause}"
    assert not report.passed
    assert report.markdown().startswith("# Preflight failed")
    assert json.loads(json.dumps(report.to_dict()))["problems"][0]["cause"] == finding.cause
    return finding


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


def test_characters_outside_the_dictionary(good: SimpleNamespace, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD[:-2], "über", "ß ü"], "train.txt")
    report = preflight(good)
    finding = check(report, "train: 2 of 40 (5.00%) labels have characters outside the dictionary")
    assert "'ü' (2), 'ß' (1)" in finding.cause
    assert finding.examples[0] == "images/train.txt_38.jpg: 'über'"
    assert report.numbers["train"]["outside_dictionary"] == {"ü": 2, "ß": 1}
    assert preflight(good, max_bad_fraction=0.05).passed


def test_labels_without_a_single_known_character(good: SimpleNamespace, tmp_path: Path) -> None:
    wide(tmp_path, [*GOOD, "漢字"], "train.txt")
    report = preflight(good, max_bad_fraction=0.03)
    assert [cause.split(") ")[1] for cause in causes(report.warnings)] == [
        "labels have characters outside the dictionary: '漢' (1), '字' (1)",
        "labels are empty, or nothing is left of them",
    ]


def test_labels_longer_than_the_limit(good: SimpleNamespace) -> None:
    good.global_.max_text_length = 6
    report = preflight(good)
    assert len(report.problems) == 2
    assert "labels are longer than 6 characters" in report.problems[0].cause
    assert report.problems[0].fix == "Set Global.max_text_length to 7 to keep 99 % of the labels"


def test_labels_that_need_more_steps(good: SimpleNamespace, tmp_path: Path) -> None:
    good.global_.width_buckets = (16, 320)
    (tmp_path / "images/train.txt_3.jpg").write_bytes(image(3, 12, 32))
    finding = check(preflight(good), "labels need more CTC steps")
    assert finding.examples == ("images/train.txt_3.jpg: 'word 3'",)


def test_a_network_of_ones_own_has_no_known_steps(good: SimpleNamespace) -> None:
    good.architecture = CRNN | {"Backbone": {"name": "my.package:Net"}}
    assert preflight(good).passed


def test_unreadable_and_missing_images(good: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "images/eval.txt_3.jpg").write_text("text")
    (tmp_path / "images/eval.txt_4.jpg").unlink()
    (tmp_path / "images/eval.txt_5.jpg").write_bytes(tiff_bomb())
    finding = check(preflight(good), "validation: 3 of 20 (15.00%) images cannot be read")
    text, missing, scan = finding.examples
    assert text == "images/eval.txt_3.jpg: not an image of a known format (4 bytes)"
    assert "eval.txt:5: " in missing
    assert missing.endswith("images/eval.txt_4.jpg cannot be read (No such file or directory)")
    assert scan == (
        "images/eval.txt_5.jpg: TIFF is not accepted: convert the image to JPEG, PNG, BMP or WebP"
    )


def test_evaluation_images_in_training(good: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "images/eval.txt_3.jpg").write_bytes(image(7, 320, 32))
    finding = check(preflight(good), "train and validation: 1 of 20 (5.00%) validation images")
    assert finding.examples == ("validation images/eval.txt_3.jpg is train images/train.txt_7.jpg",)
    report = preflight(good, max_leak_share=0.05)
    assert report.passed
    assert len(report.warnings) == 1


def test_equal_images_with_different_labels(good: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "images/train.txt_9.jpg").write_bytes(image(4, 320, 32))
    finding = check(preflight(good), "train: 1 of 40 (2.50%) images occur before with another")
    assert finding.examples == (
        "images/train.txt_4.jpg: 'word 4', images/train.txt_9.jpg: 'word 9'",
    )


def test_squeezed_images_are_a_warning(good: SimpleNamespace) -> None:
    good.global_.width_buckets = (96, 256)
    report = preflight(good)
    assert report.passed
    assert len(report.warnings) == 2
    assert "40 of 40 (100.00%) images are squeezed to 256 px" in report.warnings[0].cause
    assert "reach 320 px" in report.warnings[0].fix


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


def test_labels_in_the_markdown_report_do_nothing() -> None:
    hostile = "a.png: `x` <img src=y>\n\n# _z_"
    finding = Finding("labels", "1 of 2 are *bad*", "see max_text_length", (hostile,), True)
    text = PreflightReport((finding,), (), {"train": {"by_source": {"<i>": 1}}}).markdown()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds == {"text", "strong_open", "strong_close"}
    headings = [token.level for token in tokens if token.type == "heading_open"]
    assert len(headings) == 3


def test_wrong_configurations_are_errors(good: SimpleNamespace) -> None:
    good.global_.character_dict_path = "none.txt"
    with pytest.raises(DictionaryError):
        preflight(good)
    good.global_.character_dict_path = "en"
    good.eval.dataset.transforms = ()
    with pytest.raises(ConfigError):
        preflight(good)


def test_too_little_room(good: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    good.global_.distributed = True
    monkeypatch.setattr(machine_module, "DISK_NEEDED_MIB", 1 << 50)
    monkeypatch.setattr(machine_module, "DISK_WANTED_MIB", 1 << 50)
    monkeypatch.setattr(machine_module, "SHARED_WANTED_MIB", 1 << 50)
    report = preflight(good)
    check(report, "disk: ")
    assert [finding.check for finding in report.warnings] == ["shared memory"]


def test_labels_in_the_report_are_text_only(good: SimpleNamespace, tmp_path: Path) -> None:
    attack = "<script>`é`|"
    wide(tmp_path, [*GOOD[:-1], attack], "train.txt")
    report = preflight(good)
    shown = MarkdownIt().render(report.markdown())
    assert "<li>images/train.txt_39.jpg: '&lt;script&gt;`é`|'</li>" in shown
    assert f"\n    images/train.txt_39.jpg: '{attack}'\n" in report.text()


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
