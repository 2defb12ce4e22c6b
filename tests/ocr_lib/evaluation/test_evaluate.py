import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_lib.errors import DataError
from ocr_lib.evaluation.evaluate import EvalReport, evaluate
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.barcode import CHARACTERS, DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.memory_dataset import MemoryDataset, drawn


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(PREPROCESS, DICTIONARY, network)


def test_perfect(recognizer: Recognizer) -> None:
    report = evaluate(recognizer, drawn(["abc", "1 2 3", "abcdefabcdef"]))
    assert (report.samples, report.accuracy, report.norm_edit_dis, report.cer) == (3, 1.0, 1.0, 0.0)
    assert report.outcomes == b"\1\1\1"
    assert report.worst == report.errors == ()
    assert report.paddleocr["acc"] == pytest.approx(3 / (3 + 1e-5))


def test_spaces_count_but_not_for_paddleocr(recognizer: Recognizer) -> None:
    report = evaluate(recognizer, drawn(["ab c", "abc"], ["abc", "abc"]))
    assert report.accuracy == 0.5
    assert report.norm_edit_dis == pytest.approx(1 - 0.25 / 2)
    assert report.cer == pytest.approx(1 / 6)
    assert report.paddleocr["acc"] == pytest.approx(0.5, abs=1e-5)
    assert report.paddleocr["acc_ignore_space"] == pytest.approx(1.0, abs=1e-5)


def test_letters_and_digits_alone_count_where_paddleocrs_filter_is_asked_for(
    recognizer: Recognizer,
) -> None:
    report = evaluate(recognizer, drawn(["a bc", "abc"], ["abc", "abd"]))
    assert report.paddleocr["acc"] == 0.0
    assert report.paddleocr["acc_is_filter"] == pytest.approx(0.5, abs=1e-5)
    assert RecMetric(is_filter=True).suffix == "_is_filter"


def test_unreadable_lines_are_wrong_and_named(recognizer: Recognizer) -> None:
    samples = [(png("abc"), "abc"), (b"no image", "abc"), (None, "abc"), (b"", "")]
    report = evaluate(recognizer, MemoryDataset(samples))
    assert (report.samples, report.unreadable, report.accuracy) == (4, 3, 0.25)
    assert report.outcomes == b"\1\0\0\0"
    assert report.errors == (
        "1.png: not an image of a known format (8 bytes)",
        "labels.txt:3: the file is missing",
        "3.png: the image is empty",
    )
    assert {s.name: s.samples for s in report.by_width} == {"64": 1, "unreadable": 3}


def test_slices_add_up(recognizer: Recognizer) -> None:
    texts = ["a" * n for n in (1, 5, 6, 16, 17, 31)]
    report = evaluate(recognizer, drawn(texts, [*texts[:-1], "b" * 31]))
    assert [(s.name, s.samples, s.accuracy) for s in report.by_length] == [
        ("1-5", 2, 1.0),
        ("6-10", 1, 1.0),
        ("16-20", 2, 1.0),
        ("31-50", 1, 0.0),
    ]
    assert [(s.name, s.samples) for s in report.by_width] == [("64", 3), ("128", 1), ("256", 2)]


def test_worst_lines_are_bounded_and_pictured(recognizer: Recognizer) -> None:
    texts = ["abc"] * 5
    report = evaluate(recognizer, drawn(texts, ["abc", "abd", "def", "abcd", "123"]), worst=2)
    assert [(line.index, line.similarity) for line in report.worst] == [(2, 0.0), (4, 0.0)]
    picture = cv2.imdecode(np.frombuffer(report.worst[0].image, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (16, 24, 3)


def test_watched_lines_keep_their_text(recognizer: Recognizer) -> None:
    report = evaluate(recognizer, drawn(["a", "b", "c"]), watch=[0, 2])
    assert report.watched == {0: "a", 2: "c"}


def test_labels_outside_the_dictionary(recognizer: Recognizer) -> None:
    report = evaluate(recognizer, drawn(["ab", "ab"], ["ab", "abX"]))
    assert (report.accuracy, report.out_of_dictionary) == (0.5, 1)
    assert report.paddleocr["acc"] == pytest.approx(1.0, abs=1e-5)  # X is taken out there


def test_a_network_without_capitals_is_not_asked_for_them() -> None:
    lower = Recognizer(PREPROCESS, Charset(tuple(CHARACTERS), lower=True), network)
    report = evaluate(lower, drawn(["abc"], ["ABC"]))
    assert (report.accuracy, report.out_of_dictionary) == (1.0, 0)


def test_limit_takes_lines_from_everywhere(recognizer: Recognizer) -> None:
    dataset = drawn(["a"] * 90 + ["b"] * 10)
    report = evaluate(recognizer, dataset, limit=10, watch=range(100))
    assert list(report.watched) == list(range(0, 100, 10))
    assert list(report.watched.values()) == ["a"] * 9 + ["b"]


def test_digest_tells_data_sets_apart(recognizer: Recognizer) -> None:
    base = drawn(["a", "b"])
    others = [drawn(["b", "a"]), drawn(["a", "b"], ["a", "c"]), drawn(["a", "a"], ["a", "b"])]
    digest = evaluate(recognizer, base).dataset_digest
    assert evaluate(recognizer, drawn(["a", "b"])).dataset_digest == digest
    assert digest not in [evaluate(recognizer, other).dataset_digest for other in others]


def test_nothing_to_evaluate(recognizer: Recognizer) -> None:
    with pytest.raises(DataError, match="no lines"):
        evaluate(recognizer, drawn([]))


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
