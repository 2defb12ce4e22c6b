"""Counting evaluated lines one at a time: sums, slices, the worst lines, the digest."""

import hashlib
import heapq

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocr_lib.data.image import decode_image
from ocr_lib.errors import ImageError
from ocr_lib.eval_report import EvalReport, Line, Slice
from ocr_lib.text.dictionary import Dictionary
from ocr_lib.text.metrics import RecMetric

LENGTH_SLICES = (5, 10, 15, 20, 30, 50)  # upper bounds, in characters of the label
THUMBNAIL = (480, 40)  # largest width and height of a picture kept for the report, px


class Sums:
    """Sums over the lines of one slice."""

    def __init__(self) -> None:
        self.samples = 0
        self.correct = 0
        self.similarity = 0.0
        self.edits = 0
        self.characters = 0

    def add(self, line: Line, edits: int) -> None:
        """Adds one line that was read with so many edits."""
        self.samples += 1
        self.correct += line.correct
        self.similarity += line.similarity
        self.edits += edits
        self.characters += len(line.label)

    @property
    def accuracy(self) -> float:
        """Share of lines read exactly; there must be a line."""
        return self.correct / self.samples

    @property
    def cer(self) -> float:
        """Edits over characters of the labels."""
        return self.edits / max(self.characters, 1)

    def slice(self, name: str) -> Slice:
        """Returns the figures under a name."""
        mean = self.similarity / self.samples
        return Slice(name, self.samples, self.accuracy, mean, self.cer)


class Tally:
    """Everything that is counted, one line at a time; memory does not grow but by one byte each."""

    def __init__(self, dictionary: Dictionary, worst: int, watch: frozenset[int]) -> None:
        self._dictionary = dictionary
        self.whole = Sums()
        self._by_length: dict[int, Sums] = {}
        self._by_width: dict[str, Sums] = {}
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
            self._by_length.setdefault(length, Sums()),
            self._by_width.setdefault(bucket, Sums()),
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
