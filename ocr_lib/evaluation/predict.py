"""Predicting: a model reads samples of a data set; nothing is compared with labels here."""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import Dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.errors import UserError
from ocr_lib.evaluation.predictions import ModelFacts, Predictions
from ocr_lib.progress import Progress
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition

CHUNK = 256  # samples held in memory at a time; a batch is made of samples of one chunk


class Predictor(Protocol):
    """The part of a `Recognizer` that predicting needs."""

    @property
    def preprocess(self) -> Preprocess:
        """Height and width buckets of the network's input."""

    @property
    def dictionary(self) -> Charset:
        """The network's characters."""

    def read(self, images: Sequence[bytes | NDArray[np.uint8]]) -> list[Recognition]:
        """Reads every image, in the order given."""


def predict(
    recognizer: Predictor,
    dataset: Dataset,
    indices: Sequence[int] | None = None,
    *,
    model_digest: str = "",
    weights_sha256: str = "",
    dataset_digest: str = "",
    quiet: bool = False,
) -> Predictions:
    """Reads samples of a data set.

    A sample that cannot be read fails alone, with the cause; it is never replaced by another one
    (PaddleOCR's data sets do that, so its accuracy is over other samples).

    Args:
        recognizer: the model with the preprocessing that it serves with.
        dataset: labelled images.
        indices: positions of the samples, ascending; None for all.
        model_digest: of the run directory or bundle, for `ModelFacts`.
        weights_sha256: of the weights, for `ModelFacts`.
        dataset_digest: of the data set, for `Predictions`.
        quiet: prints no progress.
    """
    indices = range(len(dataset)) if indices is None else indices
    model = ModelFacts(model_digest, weights_sha256, recognizer.dictionary, recognizer.preprocess)
    started = time.monotonic()
    recognitions: list[Recognition] = []
    with Progress(0 if quiet else len(indices), "predicting", "samples") as progress:
        for chunk in _chunks(indices):
            recognitions += _read(recognizer, dataset, chunk)
            progress.add(len(chunk))
    return Predictions(
        model=model,
        dataset_digest=dataset_digest,
        indices=indices,
        recognitions=recognitions,
        seconds=time.monotonic() - started,
    )


def evenly_spaced(samples: int, limit: int | None) -> Sequence[int]:
    """Returns positions evenly spread over a data set: at most `limit` of them; None for all."""
    if limit is None or limit >= samples:
        return range(samples)
    return [position * samples // limit for position in range(limit)]


def partitions(samples: int, max_partitions: int) -> list[range]:
    """Splits positions into runs of neighbours, about equally long: at least one.

    A partition ends where a chunk does, so that a sample is in the same batch whichever process
    predicts it: the last bits of a probability depend on the size of its batch.
    """
    chunks = -(-samples // CHUNK)
    count = max(1, min(max_partitions, chunks))
    ends = [min(chunks * number // count * CHUNK, samples) for number in range(count + 1)]
    return [range(first, last) for first, last in pairwise(ends)]


def _chunks(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), CHUNK):
        yield indices[start : start + CHUNK]


def _read(recognizer: Predictor, dataset: Dataset, indices: Sequence[int]) -> Iterator[Recognition]:
    """Yields the recognitions of one chunk, and the cause for each sample that is missing."""
    images: list[bytes] = []
    failed: dict[int, Recognition] = {}
    for index in indices:
        try:
            images.append(dataset.sample(index).image)
        except UserError as error:
            failed[index] = Recognition.failed(error.cause)
    recognitions = iter(recognizer.read(images))
    for index in indices:
        yield failed[index] if index in failed else next(recognitions)
