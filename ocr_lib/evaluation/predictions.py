"""Reading apart from counting: many machines may read, each its share of the lines; one counts.

Figures are never added up from parts, since sums of fractions depend on their order. The machine
that counts goes through all lines in their order with their predictions, whichever
process made them: its report equals that of a single process.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import Dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.errors import DataError, UserError
from ocr_lib.progress import Progress
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition

CHUNK = 256  # samples held in memory at a time; a batch is made of samples of one chunk


class Predictor(Protocol):
    """The part of a `Recognizer` that an evaluation needs."""

    @property
    def preprocess(self) -> Preprocess:
        """Height and width buckets of the network's input."""

    @property
    def dictionary(self) -> Charset:
        """The network's characters."""

    def read(self, images: Sequence[bytes | NDArray[np.uint8]]) -> list[Recognition]:
        """Reads every image, in the order given."""


class Replay:
    """Reads nothing: gives what a recognizer read before, line by line.

    Args:
        recognizer: which one; only its dictionary and preprocessing are asked for.
        readings: what it read, in the order of the lines.
    """

    def __init__(self, recognizer: Predictor, readings: Iterable[Recognition]) -> None:
        self.preprocess = recognizer.preprocess
        self.dictionary = recognizer.dictionary
        self._readings = iter(readings)

    def read(self, images: Sequence[bytes | NDArray[np.uint8]]) -> list[Recognition]:
        """Returns what was read on the next lines, as many as there are images."""
        return list(islice(self._readings, len(images)))


def chunks(rows: range) -> Iterator[range]:
    """Yields the rows that are read in one go."""
    for start in range(rows.start, rows.stop, CHUNK):
        yield range(start, min(start + CHUNK, rows.stop))


def partitions(lines: int, most: int) -> list[range]:
    """Splits lines into runs of neighbours, about equally long: at most `most`, at least one.

    A share ends where a chunk does, so that every line is in the same batch whichever process
    reads it: the last bits of a probability depend on the size of its batch.
    """
    whole = -(-lines // CHUNK)
    count = max(1, min(most, whole))
    ends = [min(whole * number // count * CHUNK, lines) for number in range(count + 1)]
    return [range(first, last) for first, last in pairwise(ends)]


def predict(recognizer: Predictor, dataset: Dataset, rows: range) -> Iterator[Recognition]:
    """Yields what a recognizer reads on some neighbouring lines."""
    with Progress(len(rows), "reading", "lines") as progress:
        for chunk in chunks(rows):
            yield from recognizer.read([_image(dataset, index) for index in chunk])
            progress.add(len(chunk))


def save(readings: Iterable[Recognition], path: Path) -> None:
    """Writes text, score and error of each line, as JSON."""
    with path.open("w", encoding="utf-8") as file:
        for reading in readings:
            file.write(json.dumps([reading.text, reading.score, reading.error]) + "\n")


def load(path: Path, count: int) -> Iterator[Recognition]:
    """Yields what `save` wrote, without the scores of single characters.

    Args:
        path: the file.
        count: how many lines must be in it.

    Raises:
        DataError: there are more or fewer.
    """
    number = 0
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):  # noqa: B007
            text, score, error = json.loads(line)
            yield Recognition(text, score, (), error)
    if number != count:
        raise DataError(str(path), f"{number:,} lines, not {count:,}", "Read them again")


def _image(dataset: Dataset, index: int) -> bytes:
    """Returns an image; a missing one reads as no image, and scoring says why."""
    try:
        return dataset.sample(index).image
    except UserError:
        return b""
