import json
from pathlib import Path

import pytest

from ocr_lib.errors import DataError
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.inference.recognizer import Recognizer
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network
from tests.ocr_lib.evaluated import evaluate
from tests.ocr_lib.memory_dataset import drawn


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
