"""The samples worth remembering: the worst, the watched, the unreadable."""

import cv2
import numpy as np

from ocr_lib.evaluation.report import PredictedSample
from ocr_lib.evaluation.top_errors import THUMBNAIL, TopErrors
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.barcode import png


def wrong(index: int, similarity: float, score: float = 0.5, image: bytes = b"") -> PredictedSample:
    read = Recognition(f"text {index}", score)
    return PredictedSample(index, f"{index}.png", "label", read, similarity, image=image)


def test_the_worst_come_first_and_the_confident_ones_among_equals() -> None:
    top = TopErrors(3, frozenset())
    samples = [wrong(0, 0.9), wrong(1, 0.2), wrong(2, 0.2, 0.8), wrong(3, 0.1), wrong(4, 0.95)]
    for sample in samples:
        top.add(sample)
    assert [sample.index for sample in top.worst()] == [3, 2, 1]


def test_correct_samples_are_forgotten_unless_watched() -> None:
    top = TopErrors(3, frozenset([1]))
    for index in range(3):
        sample = wrong(index, 1.0)
        sample.correct = True
        top.add(sample)
    assert (top.worst(), top.watched) == ((), {1: "text 1"})


def test_unreadable_ones_are_counted_and_the_first_named() -> None:
    top = TopErrors(2, frozenset())
    for index in range(5):
        top.add(PredictedSample(index, f"{index}.png", "a", Recognition.failed("no image")))
    assert (top.unreadable, top.errors) == (5, ["0.png: no image", "1.png: no image"])
    assert top.worst() == ()


def test_pictures_are_small_and_a_broken_one_is_left_out() -> None:
    large = cv2.imencode(".png", np.zeros((90, 2000, 3), np.uint8))[1].tobytes()
    top = TopErrors(3, frozenset())
    for index, image in enumerate((large, png("abc"), b"no image")):
        top.add(wrong(index, index / 10, image=image))
    shrunk, small, broken = (sample.image for sample in top.worst())
    height, width = cv2.imdecode(np.frombuffer(shrunk, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert (width, height) == (THUMBNAIL[0], round(90 * THUMBNAIL[0] / 2000))
    assert cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR).shape == (16, 24, 3)
    assert broken == b""
