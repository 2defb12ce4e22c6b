"""Sums over scored samples: of the whole, by slice, by character, by range of scores."""

import numpy as np
from numpy.typing import NDArray

from ocr_lib.evaluation.block_counts import MILLION, BlockCounter, Key, block_metrics
from ocr_lib.evaluation.characters import CharacterCounter, Kinds, source_of
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.evaluation.report import Bin, PredictedSample, Slice

LENGTH_SLICES = (5, 10, 15, 20, 30, 50)  # upper bounds, in characters of the label
MAX_SOURCES = 16  # the samples of all others are one slice
OTHER = "other"
BINS = 20  # of scores
FLUSH = 4096  # samples whose counts are added at once


class MetricSums:
    """Sums over samples, many added at once: numpy is slow for single ones."""

    def __init__(self, total: int) -> None:
        self.cells = BlockCounter(total)
        self.characters = CharacterCounter()
        self.sources: dict[str, str] = {}
        self._paddleocr = [
            RecMetric(ignore_space=False),
            RecMetric(ignore_space=True),
            RecMetric(is_filter=True),
        ]
        self._bins = np.zeros((3, BINS))  # samples, exact ones, sum of scores
        self._kinds = Kinds()
        self._rows: dict[frozenset[Key], tuple[int, ...]] = {}
        self._clear()

    def _clear(self) -> None:
        self._values: list[tuple[int, ...]] = []  # FIELDS of each sample
        self._members: list[tuple[int, ...]] = []  # its slices
        self._scores: list[tuple[float, bool]] = []
        self._texts: list[str] = []
        self._sayables: list[str] = []

    def add(
        self, sample: PredictedSample, bucket: str, truth: str, sayable: str, edits: int
    ) -> None:
        """Counts a sample whose truth, as far as the network is asked for it, is `truth`."""
        read = sample.recognition
        spaces = hits = truth.count(" ")
        if sample.correct:
            self.characters.add_right(truth)
        else:
            hits = self.characters.add_wrong(truth, read.text, read.error is None)
        gap = 0 if sample.correct else round((1.0 - sample.similarity) * MILLION)
        read_spaces = read.text.count(" ")
        self._values.append(
            (1, sample.correct, gap, edits, len(sample.label), hits, spaces, read_spaces)
        )
        self._members.append(self._slices(sample, bucket))
        if read.error is None:
            self._scores.append((read.score, sample.correct))
        self._texts.append(read.text)
        self._sayables.append(sayable)
        if len(self._values) == FLUSH:
            self.flush()

    def flush(self) -> None:
        """Adds what was held back."""
        self.cells.add(self._values, self._members)
        self.characters.flush()
        for metric in self._paddleocr:
            metric.update(self._texts, self._sayables)
        if self._scores:
            scores, correct = np.array(self._scores).T
            places = np.clip(scores * BINS, 0, BINS - 1).astype(np.int64)
            for row, weights in zip(self._bins, (None, correct, scores), strict=True):
                row += np.bincount(places, weights, BINS)
        self._clear()

    def paddleocr(self) -> dict[str, float]:
        """Returns PaddleOCR's figures."""
        return {
            name + metric.suffix: float(value)  # type: ignore[arg-type]
            for metric in self._paddleocr
            for name, value in metric.summary().items()
        }

    def reliability(self) -> tuple[Bin, ...]:
        """Returns the bins of scores."""
        means: NDArray[np.float64] = self._bins[2] / np.maximum(self._bins[0], 1)
        return tuple(
            Bin(int(samples), int(correct), float(mean))
            for samples, correct, mean in zip(*self._bins[:2], means, strict=True)
        )

    def _slices(self, sample: PredictedSample, bucket: str) -> tuple[int, ...]:
        source = source_of(sample.name)
        if source not in self.sources:
            self.sources[source] = source if len(self.sources) < MAX_SOURCES else OTHER
        keys = self._kinds.of(sample.label) | {
            ("length", _length_slice(len(sample.label))),
            ("width", bucket),
            ("source", self.sources[source]),
        }
        rows = self._rows.get(keys)
        if rows is None:
            rows = self._rows[keys] = tuple(self.cells.row(key) for key in sorted(keys))
        return rows


def _length_slice(length: int) -> str:
    lower = 1
    for upper in LENGTH_SLICES:
        if length <= upper:
            return f"{lower}-{upper}"
        lower = upper + 1
    return f"{lower}+"


def slices(totals: dict[Key, NDArray[np.int64]], dimension: str) -> tuple[Slice, ...]:
    """Returns the slices of a dimension: by their first number, else by name."""
    rows = [(name, totals[key]) for key in totals for name in key[1:] if key[0] == dimension]
    rows.sort(key=lambda item: _rank(item[0]))
    return tuple(_slice(name, sums) for name, sums in rows)


def _slice(name: str, sums: NDArray[np.int64]) -> Slice:
    accuracy, similarity, cer, f1 = block_metrics(sums).tolist()
    return Slice(name, int(sums[0]), accuracy, similarity, cer, None if np.isnan(f1) else f1)


def _rank(name: str) -> tuple[float, str]:
    first = name.partition("-")[0].removesuffix("+")
    return (float(first) if first.isdecimal() else float("inf")), name
