import cv2
import numpy as np
import pytest

from ocr_lib.errors import DataError
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.evaluation.predict import predict
from ocr_lib.evaluation.score import score
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.barcode import CHARACTERS, DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.evaluated import evaluate
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


def test_digest_tells_data_sets_apart(recognizer: Recognizer) -> None:
    base = drawn(["a", "b"])
    others = [drawn(["b", "a"]), drawn(["a", "b"], ["a", "c"]), drawn(["a", "a"], ["a", "b"])]
    digest = evaluate(recognizer, base).dataset_digest
    assert evaluate(recognizer, drawn(["a", "b"])).dataset_digest == digest
    assert digest not in [evaluate(recognizer, other).dataset_digest for other in others]


def test_nothing_to_evaluate(recognizer: Recognizer) -> None:
    with pytest.raises(DataError, match="no lines"):
        evaluate(recognizer, drawn([]))


def test_a_data_set_that_is_too_short_is_refused(recognizer: Recognizer) -> None:
    predictions = predict(recognizer, drawn(["a", "b"]), quiet=True)
    with pytest.raises(DataError, match="sample 2 was predicted, the data set has 1"):
        score(predictions, drawn(["a"]))


def test_a_file_that_is_gone_when_it_is_scored_is_wrong_and_named(recognizer: Recognizer) -> None:
    predictions = predict(recognizer, drawn(["abc"]), quiet=True)
    report = score(predictions, MemoryDataset([(None, "abc")]))
    assert (report.accuracy, report.errors) == (0.0, ("labels.txt:1: the file is missing",))


def test_no_network_is_run(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = drawn(["abc", "12"])
    predictions = predict(recognizer, dataset, quiet=True)

    def never(*_: object) -> None:
        raise AssertionError("scoring reads an image")

    monkeypatch.setattr(Recognizer, "read", never)
    assert score(predictions, dataset).accuracy == 1.0
