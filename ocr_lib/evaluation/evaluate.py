"""How well a recognizer reads a data set: the figures the gate decides on and the report shows.

Every line counts once. An image that cannot be read is a wrong line and is reported; it is never
replaced by another one (PaddleOCR's data sets do that, so its accuracy is over other lines).
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property

from ocr_lib.data.base import Dataset
from ocr_lib.errors import DataError, UserError
from ocr_lib.evaluation.accumulator import MetricAccumulator
from ocr_lib.evaluation.predictions import Predictor, chunks
from ocr_lib.evaluation.report import EvalReport, PredictedSample, Slice
from ocr_lib.progress import Progress
from ocr_lib.text.recognition import Recognition

__all__ = ["EvalReport", "PredictedSample", "Slice", "evaluate"]


def evaluate(
    recognizer: Predictor,
    dataset: Dataset,
    *,
    limit: int | None = None,
    worst: int = 40,
    watch: Collection[int] = (),
    quiet: bool = False,
) -> EvalReport:
    """Reads the data set and compares with its labels.

    Args:
        recognizer: the model with the preprocessing it will serve with, or what it read before.
        dataset: labelled lines.
        limit: number of samples to evaluate, evenly spread over the data set; None for all.
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
    tally = MetricAccumulator(recognizer.dictionary, worst, frozenset(watch), count)
    reader = _Samples(recognizer, dataset, tally)
    started = time.monotonic()
    with Progress(0 if quiet else count, "evaluating", "lines") as progress:
        for rows in chunks(range(count)):
            reader.read([row * total // count for row in rows])
            progress.add(len(rows), f"accuracy {tally.accuracy:.4f}")
    return tally.report(time.monotonic() - started)


class _Samples:
    """Reads samples of a data set and counts them."""

    def __init__(self, recognizer: Predictor, dataset: Dataset, tally: MetricAccumulator) -> None:
        self._recognizer = recognizer
        self._dataset = dataset
        self._tally = tally
        self._sizes = dataset.sizes.tolist()

    def read(self, indices: Sequence[int]) -> None:
        """Reads the samples at `indices` in one go."""
        lines = [self._line(index) for index in indices]
        answers = self._recognizer.read([line.image for line in lines])
        for line, answer in zip(lines, answers, strict=True):
            error = line.recognition.error or answer.error
            line.recognition = replace(answer, char_scores=(), error=error)
            self._tally.add(line, self._bucket(line.index))

    def _line(self, index: int) -> PredictedSample:
        try:
            sample = self._dataset.sample(index)
        except UserError as error:  # the file is gone: still a line of the set, and a wrong one
            failed = Recognition.failed(error.cause)
            return PredictedSample(index, error.where, self._labels[index], failed)
        unread = Recognition("", 0.0)
        return PredictedSample(index, sample.name, sample.label, unread, image=sample.image)

    def _bucket(self, index: int) -> str:
        width, height = self._sizes[index]
        readable = width > 0 and height > 0
        return str(self._recognizer.preprocess.bucket(width, height)) if readable else "unreadable"

    @cached_property
    def _labels(self) -> list[str]:
        return list(self._dataset.labels())
