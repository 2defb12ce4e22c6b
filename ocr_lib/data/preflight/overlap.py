"""Images that occur twice: in training and validation, or with different labels.

Equal checksums and lengths name the candidates; the files' bytes decide.
"""

from collections.abc import Iterator

from ocr_lib.data.equal_images import repeated, shared_with
from ocr_lib.data.preflight.report import EXAMPLES, Finding, share_finding
from ocr_lib.data.preflight.split import MeasuredSplit
from ocr_lib.errors import UserError


def leakage(train: MeasuredSplit, validation: MeasuredSplit, max_share: float) -> Iterator[Finding]:
    """Yields whether validation images are among the training images."""
    leaked: list[int] = []
    examples: list[str] = []
    for i, first in shared_with(train.dataset.checksums, validation.dataset.checksums):
        if _same(train, first, validation, i):
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
    contradicted: list[int] = []
    examples: list[str] = []
    for i, first in repeated(split.dataset.checksums):
        if split.labels[i] != split.labels[first] and _same(split, first, split, i):
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


def _same(one: MeasuredSplit, i: int, other: MeasuredSplit, j: int) -> bool:
    try:
        return one.dataset.sample(i).image == other.dataset.sample(j).image
    except UserError:
        return False
