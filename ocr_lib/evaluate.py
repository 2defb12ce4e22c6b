"""How well a recognizer reads a data set: the figures the gate decides on and the report shows.

Every line counts once. An image that cannot be read is a wrong line and is reported; it is never
replaced by another one (PaddleOCR's data sets do that, so its accuracy is over other lines).
"""

import hashlib
import heapq
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocr_lib.data.image import decode_image
from ocr_lib.errors import DataError, ImageError, UserError
from ocr_lib.eval_report import EvalReport, Line, Slice
from ocr_lib.progress import Progress
from ocr_lib.recognize import Recognizer
from ocr_lib.text.dictionary import Dictionary
from ocr_lib.text.metrics import RecMetric

if TYPE_CHECKING:
    from ocr_lib.data.dataset import Dataset

__all__ = ["EvalReport", "Line", "Slice", "evaluate"]

CHUNK = 256  # samples held in memory at a time
LENGTH_SLICES = (5, 10, 15, 20, 30, 50)  # upper bounds, in characters of the label
THUMBNAIL = (480, 40)  # largest width and height of a picture kept for the report, px


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
    tally = _Tally(recognizer.dictionary, worst, frozenset(watch))
    started = time.monotonic()
    with Progress(0 if quiet else count, "evaluating", "lines") as progress:
        for start in range(0, count, CHUNK):
            rows = range(start, min(start + CHUNK, count))
            _read(recognizer, dataset, [row * total // count for row in rows], tally)
            progress.add(len(rows), f"accuracy {tally.whole.accuracy:.4f}")
    return tally.report(time.monotonic() - started)


def _read(
    recognizer: Recognizer, dataset: "Dataset", indices: Sequence[int], tally: "_Tally"
) -> None:
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


class _Counter:
    """Sums over the lines of one slice."""

    def __init__(self) -> None:
        self.samples = 0
        self.correct = 0
        self.similarity = 0.0
        self.edits = 0
        self.characters = 0

    def add(self, line: Line, edits: int) -> None:
        self.samples += 1
        self.correct += line.correct
        self.similarity += line.similarity
        self.edits += edits
        self.characters += len(line.label)

    @property
    def accuracy(self) -> float:
        return self.correct / self.samples

    @property
    def cer(self) -> float:
        return self.edits / max(self.characters, 1)

    def slice(self, name: str) -> Slice:
        mean = self.similarity / self.samples
        return Slice(name, self.samples, self.accuracy, mean, self.cer)


class _Tally:
    """Everything that is counted, one line at a time; memory does not grow but by one byte each."""

    def __init__(self, dictionary: Dictionary, worst: int, watch: frozenset[int]) -> None:
        self._dictionary = dictionary
        self.whole = _Counter()
        self._by_length: dict[int, _Counter] = {}
        self._by_width: dict[str, _Counter] = {}
        self._paddleocr = (RecMetric(ignore_space=False), RecMetric(ignore_space=True))
        self._keep = worst
        self._worst: list[tuple[float, float, int, Line]] = []  # a heap, the least bad on top
        self._watch = watch
        self._watched: dict[int, str] = {}
        self._errors: list[str] = []
        self._unreadable = 0
        self._out_of_dictionary = 0
        self._outcomes = bytearray()
        self._digest = hashlib.sha256()

    def add(self, line: Line, bucket: str) -> None:
        """Counts one line that was read."""
        # A network without capitals is not asked for them; every other character counts.
        truth = line.label.lower() if self._dictionary.lower else line.label
        edits = Levenshtein.distance(line.text, truth)
        line.correct = line.error is None and edits == 0
        longest = max(len(line.text), len(truth))
        line.similarity = 0.0 if line.error else 1.0 - edits / max(longest, 1)
        length = next((bound for bound in LENGTH_SLICES if len(line.label) <= bound), 0)
        for counter in (
            self.whole,
            self._by_length.setdefault(length, _Counter()),
            self._by_width.setdefault(bucket, _Counter()),
        ):
            counter.add(line, edits)
        # PaddleOCR compares with what its dictionary can say of the label, not with the label.
        sayable = self._dictionary.text(self._dictionary.encode(line.label))
        for metric in self._paddleocr:
            metric.update([line.text], [sayable])
        self._out_of_dictionary += sayable != truth
        self._outcomes.append(line.correct)
        self._digest.update(f"{len(line.label)} {line.label} {len(line.image)} ".encode())
        self._digest.update(line.image)
        self._remember(line)

    def _remember(self, line: Line) -> None:
        if line.index in self._watch:
            self._watched[line.index] = line.text
        if line.error is not None:
            self._unreadable += 1
            if len(self._errors) < self._keep:
                self._errors.append(f"{line.name}: {line.error}")
        elif not line.correct:
            # Among equally wrong lines the more confident one is worse.
            heapq.heappush(self._worst, (-line.similarity, line.score, -line.index, line))
            if len(self._worst) > self._keep:
                heapq.heappop(self._worst)

    def report(self, seconds: float) -> EvalReport:
        """Returns the figures."""
        strict, loose = (metric.summary() for metric in self._paddleocr)
        return EvalReport(
            samples=self.whole.samples,
            unreadable=self._unreadable,
            out_of_dictionary=self._out_of_dictionary,
            accuracy=self.whole.accuracy,
            norm_edit_dis=self.whole.similarity / self.whole.samples,
            cer=self.whole.cer,
            paddleocr={
                "acc": strict["acc"],
                "norm_edit_dis": strict["norm_edit_dis"],
                "acc_ignore_space": loose["acc"],
                "norm_edit_dis_ignore_space": loose["norm_edit_dis"],
            },
            by_length=tuple(self._length_slices()),
            by_width=tuple(self._width_slices()),
            worst=tuple(_with_thumbnail(item[-1]) for item in sorted(self._worst, reverse=True)),
            watched=self._watched,
            errors=tuple(self._errors),
            outcomes=bytes(self._outcomes),
            dataset_digest=self._digest.hexdigest(),
            seconds=seconds,
        )

    def _length_slices(self) -> list[Slice]:
        lower = 1
        slices = []
        for bound in (*LENGTH_SLICES, 0):
            name = f"{lower}-{bound}" if bound else f"{lower}+"
            lower = bound + 1
            if bound in self._by_length:
                slices.append(self._by_length[bound].slice(name))
        return slices

    def _width_slices(self) -> list[Slice]:
        named = sorted(self._by_width.items(), key=lambda item: (len(item[0]), item[0]))
        return [counter.slice(name) for name, counter in named]


def _with_thumbnail(line: Line) -> Line:
    """Shrinks the kept picture to what a report shows, in a format every browser reads."""
    import cv2  # only after ocr_lib.data.image has set its limits

    try:
        pixels = decode_image(line.image)
    except ImageError:
        line.image = b""
        return line
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL[0] / width, THUMBNAIL[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    line.image = np.asarray(cv2.imencode(".png", small)[1]).tobytes()
    return line
