"""Lines, and recorders that are offered them."""

from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.feedback.recorder import FeedbackLimits, FeedbackRecorder
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.tiny_bundle import line_image

LINES = [line_image(text) for text in ("abc", "cab", "a", "é中")]


def reading(text: str, score: float, error: str | None = None) -> ServedRecognition:
    return ServedRecognition(text, score, (), error, version=3)


def record(
    store: Store, model: str, limits: FeedbackLimits, *offers: tuple[bytes, ServedRecognition]
) -> tuple[int, int]:
    with FeedbackRecorder(store, model, limits) as recorder:
        for offer in offers:
            recorder.offer(*offer)
    assert recorder.problem == ""
    return recorder.recorded, recorder.dropped
