"""Scoring: predictions are compared with the labels; gate and people read the report.

Every sample counts once. One whose image cannot be read is wrong and is reported.
"""

import hashlib
from collections.abc import Collection
from dataclasses import replace

from rapidfuzz.distance import Levenshtein

from ocr_lib.data.base import Dataset
from ocr_lib.errors import DataError, UserError
from ocr_lib.evaluation.block_counts import WHOLE, block_metrics
from ocr_lib.evaluation.metric_sums import MetricSums, slices
from ocr_lib.evaluation.predictions import Predictions
from ocr_lib.evaluation.report import EvalReport, PredictedSample, Spaces
from ocr_lib.evaluation.top_errors import TopErrors
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition

UNREADABLE = "unreadable"  # the width slice of images without a size


def score(
    predictions: Predictions, dataset: Dataset, *, worst: int = 40, watch: Collection[int] = ()
) -> EvalReport:
    """Compares predictions with the labels of the data set they were made on.

    Runs no network: characters and width buckets are facts that the predictions carry.

    Args:
        predictions: of one model, in one part or joined.
        dataset: its samples have the positions that the predictions name.
        worst: how many of the worst samples to keep, with their pictures.
        watch: positions whose text to keep in `EvalReport.watched` whatever it is, such as the
            candidate's worst samples while the champion is scored.

    Raises:
        DataError: nothing was predicted, or the data set is too short.
    """
    indices, model = predictions.indices, predictions.model
    if not indices:
        raise DataError("evaluation", "the data set has no lines", "Check Eval.dataset")
    if indices[-1] >= len(dataset):
        cause = f"sample {indices[-1] + 1:,} was predicted, the data set has {len(dataset):,}"
        raise DataError("evaluation", cause, "Score with the data set that was predicted")
    samples = _Samples(dataset)
    accumulator = MetricAccumulator(model.charset, worst, frozenset(watch), len(indices))
    for index, recognition in zip(indices, predictions.recognitions, strict=True):
        width, height = samples.sizes[index]
        readable = width > 0 and height > 0
        bucket = str(model.preprocess.bucket(width, height)) if readable else UNREADABLE
        accumulator.add(samples.with_prediction(index, recognition), bucket)
    return accumulator.report(predictions.seconds)


class MetricAccumulator:
    """Everything that is counted, one sample at a time; memory grows by one byte each.

    Args:
        charset: of the network.
        worst: how many of the worst samples to keep.
        watch: positions of samples whose text to keep.
        total: how many samples there will be.
    """

    def __init__(self, charset: Charset, worst: int, watch: frozenset[int], total: int) -> None:
        self._charset = charset
        self._top_errors = TopErrors(worst, watch)
        self._sums = MetricSums(total)
        self._similarity = 0.0
        self._out_of_dictionary = 0
        self._outcomes = bytearray()
        self._digest = hashlib.sha256()

    def add(self, sample: PredictedSample, bucket: str) -> None:
        """Compares one sample's text with its label, and counts it."""
        # A network without capitals is not asked for them, none for another Unicode form of a
        # letter; every other character counts.
        truth = self._charset.canonical(sample.label)
        read = sample.recognition
        edits = Levenshtein.distance(read.text, truth)
        sample.correct = read.error is None and edits == 0
        longest = max(len(read.text), len(truth))
        sample.similarity = 0.0 if read.error else 1.0 - edits / max(longest, 1)
        self._similarity += sample.similarity
        # PaddleOCR compares with what its dictionary can say of the label, not with the label.
        sayable = self._charset.text(self._charset.encode(sample.label))
        self._out_of_dictionary += sayable != truth
        self._sums.add(sample, bucket, truth, sayable, edits)
        self._outcomes.append(sample.correct)
        self._digest.update(f"{len(sample.label)} {sample.label} {len(sample.image)} ".encode())
        self._digest.update(sample.image)
        self._top_errors.add(sample)

    def report(self, seconds: float) -> EvalReport:
        """Returns the figures over all samples.

        Args:
            seconds: wall time of predicting.
        """
        sums = self._sums
        sums.flush()
        totals = sums.cells.sums()
        accuracy, _, cer, _ = block_metrics(totals[WHOLE]).tolist()
        samples, _, _, _, _, hits, truths, reads = totals[WHOLE].tolist()
        return EvalReport(
            samples=samples,
            unreadable=self._top_errors.unreadable,
            out_of_dictionary=self._out_of_dictionary,
            accuracy=accuracy,
            norm_edit_dis=self._similarity / samples,
            cer=cer,
            paddleocr=sums.paddleocr(),
            by_length=slices(totals, "length"),
            by_width=slices(totals, "width"),
            by_class=slices(totals, "class"),
            by_script=slices(totals, "script"),
            by_source=slices(totals, "source") if len(sums.sources) > 1 else (),
            spaces=Spaces(hits, truths, reads),
            characters=sums.characters.recalls(),
            confusions=sums.characters.confusions(),
            reliability=sums.reliability(),
            cells=sums.cells.cells(),
            worst=self._top_errors.worst(),
            watched=self._top_errors.watched,
            errors=tuple(self._top_errors.errors),
            outcomes=bytes(self._outcomes),
            dataset_digest=self._digest.hexdigest(),
            seconds=seconds,
        )


class _Samples:
    """A data set's samples, those that cannot be read too."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._labels: list[str] | None = None
        self.sizes = dataset.sizes.tolist()

    def with_prediction(self, index: int, read: Recognition) -> PredictedSample:
        """Returns one sample; of one whose file is gone, the label alone: it is a wrong one."""
        read = replace(read, char_scores=())
        try:
            sample = self._dataset.sample(index)
        except UserError as error:
            if self._labels is None:
                self._labels = list(self._dataset.labels())
            failed = replace(read, error=error.cause)
            return PredictedSample(index, error.where, self._labels[index], failed)
        return PredictedSample(index, sample.name, sample.label, read, image=sample.image)
