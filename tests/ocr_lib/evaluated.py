"""Predicting and scoring in one go, as `ocr eval` does it."""

from collections.abc import Collection

from ocr_lib.data.base import Dataset
from ocr_lib.evaluation.predict import Predictor, evenly_spaced, predict
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.evaluation.score import score


def evaluate(
    recognizer: Predictor,
    dataset: Dataset,
    *,
    limit: int | None = None,
    worst: int = 40,
    watch: Collection[int] = (),
) -> EvalReport:
    """Returns the report of a recogniser on a data set."""
    predictions = predict(recognizer, dataset, evenly_spaced(len(dataset), limit), quiet=True)
    return score(predictions, dataset, worst=worst, watch=watch)
