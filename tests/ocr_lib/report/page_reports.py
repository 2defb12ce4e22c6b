"""Reports for the tests of this folder: one read by a network, and two models side by side."""

from functools import cache

from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Thresholds
from ocr_lib.inference.recognizer import Recognizer
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png
from tests.ocr_lib.evaluated import evaluate
from tests.ocr_lib.memory_dataset import MemoryDataset
from tests.ocr_lib.tallied import tallied

LIMITS = Thresholds(min_samples=3, max_unreadable_share=0.5)
HOSTILE = '<script>alert("x")</script>'


@cache
def evaluated(watch: tuple[int, ...] = ()) -> EvalReport:
    samples: list[tuple[bytes | None, str]] = [
        (png("abc"), "abc"),
        (png("abc"), "ab c"),
        (png("a b"), HOSTILE),
        (b"broken", "abc"),
    ]
    recognizer = Recognizer(PREPROCESS, DICTIONARY, network)
    return evaluate(recognizer, MemoryDataset(samples), watch=watch)


@cache
def models() -> tuple[EvalReport, EvalReport]:
    """A candidate that loses capitals beside a champion that reads everything but one line."""
    truths = [f"{'abcdef'[i % 6]} {'X' * (i % 2)}1<" for i in range(120)]
    texts = [truth.lower().replace(" ", "") for truth in truths]
    names = [f"{'<b>' if i % 2 else 'forms'}/{i}.png" for i in range(120)]
    champion = tallied(truths, ["", *truths[1:]], names=names)
    return tallied(truths, texts, names=names), champion
