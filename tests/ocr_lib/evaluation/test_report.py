import json
from dataclasses import asdict
from pathlib import Path

import pytest

from ocr_lib.errors import DataError
from ocr_lib.evaluation.report import FORMAT, EvalReport, Spaces
from ocr_lib.inference.recognizer import Recognizer
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network
from tests.ocr_lib.evaluated import evaluate
from tests.ocr_lib.memory_dataset import drawn
from tests.ocr_lib.tallied import tallied


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(PREPROCESS, DICTIONARY, network)


def test_report_survives_json(recognizer: Recognizer, tmp_path: Path) -> None:
    dataset = drawn(["abc", "é".replace("é", "a"), "123"], ["abc", "é", "12"])
    report = evaluate(recognizer, dataset, watch=[1])
    report.save(tmp_path / "report.json")
    assert EvalReport.load(tmp_path / "report.json") == report


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_what_is_no_report_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"report\.json: not an evaluation report"):
        EvalReport.load(path)


def test_report_of_many_lines_stays_small(recognizer: Recognizer) -> None:
    report = evaluate(recognizer, drawn(["abc"] * 2000, ["abd"] * 2000), worst=3)
    assert len(json.dumps(report.to_dict())) < 10_000


FORMAT_1 = (
    "samples", "unreadable", "out_of_dictionary", "accuracy", "norm_edit_dis", "cer", "paddleocr",
    "by_length", "by_width", "worst", "watched", "errors", "outcomes", "dataset_digest", "seconds",
)  # fmt: skip


def test_format_1_is_read() -> None:
    report = tallied(["a b", "b"], ["a b", "c"])
    old = {k: v for k, v in report.to_dict().items() if k in FORMAT_1} | {"format": 1}
    for name in ("by_length", "by_width"):
        old[name] = [{k: v for k, v in part.items() if k != "space_f1"} for part in old[name]]
    read = EvalReport.from_dict(json.loads(json.dumps(old)))
    assert (read.accuracy, read.outcomes) == (report.accuracy, report.outcomes)
    assert (read.cells, read.characters, read.calibration_error) == (None, {}, None)


def test_everything_survives_json() -> None:
    report = tallied(["a b", "cd", "e"], ["ab", "cd", None])
    assert EvalReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


@pytest.mark.parametrize("damage", ["", "eJwDAAAAAAE=", "bm8gemxpYg=="])
def test_damaged_sums_are_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    values = tallied(["a"], ["a"]).to_dict()
    values["cells"]["sums"] = damage
    path.write_text(json.dumps(values))
    with pytest.raises(DataError, match="not an evaluation report"):
        EvalReport.load(path)


def test_format_is_written() -> None:
    assert tallied(["a"], ["a"]).to_dict()["format"] == FORMAT
    assert asdict(Spaces()) == {"hits": 0, "truths": 0, "reads": 0}
