"""Images that occur twice: in training and validation, or with different labels.

Equal checksums and lengths name the candidates; the files' bytes decide.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.preflight.report import EXAMPLES, Finding, share_finding
from ocr_lib.data.preflight.split import MeasuredSplit
from ocr_lib.errors import UserError


def leakage(train: MeasuredSplit, validation: MeasuredSplit, max_share: float) -> Iterator[Finding]:
    """Yields whether validation images are among the training images."""
    leaked: list[int] = []
    examples: list[str] = []
    positions = first_positions(train.dataset.checksums)
    for i, checksum in enumerate(validation.dataset.checksums.tolist()):
        first = positions.get(checksum)
        if checksum and first is not None and _same(train, first, validation, i):
            leaked.append(i)
            if len(examples) < EXAMPLES:
                examples.append(f"validation {validation.place(i)} is train {train.place(first)}")
    yield from share_finding(
        "train and validation",
        "validation images are training images too, so the accuracy would be too high",
        leaked,
        len(validation.labels),
        max_share,
        "Take them out of one of the two",
        examples,
    )


def contradictions(split: MeasuredSplit, max_share: float) -> Iterator[Finding]:
    """Yields whether equal images have different labels."""
    checksums = split.dataset.checksums
    positions = first_positions(checksums)
    contradicted: list[int] = []
    examples: list[str] = []
    for i, checksum in enumerate(checksums.tolist()):
        first = positions[checksum]
        if checksum and split.labels[i] != split.labels[first] and _same(split, first, split, i):
            contradicted.append(i)
            if len(examples) < EXAMPLES:
                pair = [f"{split.place(k)}: {split.labels[k]!r}" for k in (first, i)]
                examples.append(", ".join(pair))
    yield from share_finding(
        split.name,
        "images occur before with another label",
        contradicted,
        len(split.labels),
        max_share,
        "Correct or remove one of each pair",
        examples,
    )


def first_positions(checksums: NDArray[np.uint64]) -> dict[int, int]:
    """Returns key → the first position that has it."""
    values, positions = np.unique(checksums, return_index=True)
    return dict(zip(values.tolist(), positions.tolist(), strict=True))


def _same(one: MeasuredSplit, i: int, other: MeasuredSplit, j: int) -> bool:
    try:
        return one.dataset.sample(i).image == other.dataset.sample(j).image
    except UserError:
        return False
