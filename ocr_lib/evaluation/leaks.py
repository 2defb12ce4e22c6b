"""Images in two of the three sets: an accuracy over images that were trained on proves nothing."""

from ocr_lib.data.base import Dataset
from ocr_lib.data.equal_images import Pair, shared_with
from ocr_lib.errors import DataError, UserError

NAMED = 5


def leaks(train: Dataset, evaluation: Dataset) -> list[Pair]:
    """Returns the images of the second set that are in the first one too, byte for byte."""
    pairs = shared_with(train.checksums, evaluation.checksums)
    return [(i, k) for i, k in pairs if _image(evaluation, i) == _image(train, k) != b""]


def refuse_leaks(used: tuple[str, Dataset], new: tuple[str, Dataset]) -> None:
    """Checks that no image is in both sets.

    Args:
        used: role and samples of the set that was used before: train before validation and test,
            validation before test.
        new: role and samples of the other one.

    Raises:
        DataError: there are such images; names the first.
    """
    (used_role, before), (new_role, after) = used, new
    pairs = leaks(before, after)
    if not pairs:
        return
    named = "; ".join(
        f"{_name(after, i)} of {new_role} is {_name(before, k)} of {used_role}"
        for i, k in pairs[:NAMED]
    )
    raise DataError(
        f"{used_role} and {new_role}",
        f"{len(pairs):,} of {len(after):,} {new_role} images are {used_role} images too ({named})",
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
