"""Evaluation images that the model was trained on: an accuracy over them proves nothing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.samples import Dataset
from ocr_lib.errors import DataError, UserError

NAMED = 5

Pair = tuple[int, int]  # position in the evaluation set, position in the training set


def candidates(train_keys: NDArray[np.uint64], eval_keys: NDArray[np.uint64]) -> list[Pair]:
    """Returns the pairs whose checksums and lengths are equal; 0 is an unreadable image.

    Args:
        train_keys: `Dataset.keys` of the training set.
        eval_keys: of the evaluation set.
    """
    if not len(train_keys):
        return []
    values, first = np.unique(train_keys, return_index=True)
    place = np.searchsorted(values, eval_keys).clip(max=len(values) - 1)
    hits = np.flatnonzero((values[place] == eval_keys) & (eval_keys != 0))
    return list(zip(hits.tolist(), first[place[hits]].tolist(), strict=True))


def leaks(train: Dataset, evaluation: Dataset) -> list[Pair]:
    """Returns the evaluation images that are training images, byte for byte."""
    pairs = candidates(train.keys, evaluation.keys)
    return [(i, k) for i, k in pairs if _image(evaluation, i) == _image(train, k) != b""]


def refuse_leaks(train: Dataset, evaluation: Dataset, found: Sequence[Pair]) -> None:
    """Does nothing where there are none.

    Raises:
        DataError: there are; names the first.
    """
    if not found:
        return
    named = "; ".join(
        f"{_name(evaluation, i)} of the evaluation is {_name(train, k)} of the training"
        for i, k in found[:NAMED]
    )
    raise DataError(
        "evaluation",
        f"{len(found):,} of {len(evaluation):,} images are training images too ({named})",
        "Take them out of one of the two data sets",
    )


def _image(dataset: Dataset, position: int) -> bytes:
    try:
        return dataset.sample(position).image
    except UserError:
        return b""


def _name(dataset: Dataset, position: int) -> str:
    try:
        return dataset.sample(position).name
    except UserError as error:
        return error.where
