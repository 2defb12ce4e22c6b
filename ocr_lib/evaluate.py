"""How well a recognizer reads a data set: the figures the gate decides on and the report shows.

Every line counts once. An image that cannot be read is a wrong line and is reported; it is never
replaced by another one (PaddleOCR's data sets do that, so its accuracy is over other lines).
"""

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ocr_lib.errors import DataError, UserError
from ocr_lib.eval_report import EvalReport, Line, Slice
from ocr_lib.eval_tally import Tally
from ocr_lib.progress import Progress
from ocr_lib.recognize import Recognizer

if TYPE_CHECKING:
    from ocr_lib.data.dataset import Dataset

__all__ = ["EvalReport", "Line", "Slice", "evaluate"]

CHUNK = 256  # samples held in memory at a time


def evaluate(
    recognizer: Recognizer,
    dataset: "Dataset",
    *,
    limit: int | None = None,
    worst: int = 40,
    watch: Collection[int] = (),
    quiet: bool = False,
) -> EvalReport:
    """Reads the data set and compares with its labels.

    Args:
        recognizer: the model with the preprocessing it will serve with.
        dataset: labelled lines.
        limit: evaluate so many lines, evenly spread over the data set; None for all.
        worst: how many of the worst lines to keep, with their pictures.
        watch: positions whose text to keep in `EvalReport.watched` whatever it is, such as the
            candidate's worst lines while the champion is evaluated.
        quiet: prints no progress.

    Raises:
        DataError: there is no line to evaluate.
    """
    total = len(dataset)
    count = total if limit is None else min(limit, total)
    if count < 1:
        raise DataError("evaluation", "the data set has no lines", "Check Eval.dataset")
    tally = Tally(recognizer.dictionary, worst, frozenset(watch))
    started = time.monotonic()
    with Progress(0 if quiet else count, "evaluating", "lines") as progress:
        for start in range(0, count, CHUNK):
            rows = range(start, min(start + CHUNK, count))
            _read(recognizer, dataset, [row * total // count for row in rows], tally)
            progress.add(len(rows), f"accuracy {tally.whole.accuracy:.4f}")
    return tally.report(time.monotonic() - started)


def _read(recognizer: Recognizer, dataset: "Dataset", indices: Sequence[int], tally: Tally) -> None:
    """Reads the samples at `indices` and counts them."""
    found: list[tuple[Line, str]] = []
    for index in indices:
        width, height = (int(side) for side in dataset.sizes[index])
        readable = width > 0 and height > 0
        bucket = str(recognizer.preprocess.bucket(width, height)) if readable else "unreadable"
        try:
            sample = dataset.sample(index)
            line = Line(index, sample.name, sample.label, image=sample.image)
        except UserError as error:  # the file is gone: still a line of the set, and a wrong one
            line = Line(index, f"sample {index}", "", error=str(error))
        found.append((line, bucket))
    images = [line.image for line, _ in found]
    for (line, bucket), answer in zip(found, recognizer.read(images), strict=True):
        line.text, line.score = answer.text, answer.score
        line.error = line.error or answer.error
        tally.add(line, bucket)
