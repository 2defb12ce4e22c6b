"""Train, validation and test set: which samples are learnt from, and which choose the checkpoint.

The side of a sample is a function of a seed and of the group that the sample belongs to, of
nothing else: it stays when data arrive, and machines that pack parts of a data set need not know of
each other. What is decided over whole data sets is here as well: whether there is enough for a
validation set at all, and which of its samples a trainer reads.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.checks import at_least
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import parse, whole_numbers
from ocr_lib.errors import LabelError

TRAIN, VALIDATION, TEST = ROLES = ("train", "validation", "test")

NOT_TRAIN = VALIDATION, TEST  # roles of data sets that training must not learn from
NOT_VALIDATION = (TEST,)  # and those that must not choose its checkpoint

BLOCK = 64  # consecutive labels that stay together where nothing else tells what belongs together
MAX_SHARE = 0.15  # more could not stay below MAX_RATIO
MIN_VALIDATION = 50  # with fewer samples, chance chooses the checkpoint
MAX_RATIO = 0.2  # of validation to train: more is missed in training
MAX_READ = 20_000  # validation samples that a trainer reads; more sharpen no choice

GroupKind = Literal["document", "folder", "block"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRule:
    """How a validation set is split off.

    Attributes:
        share: expected share of the groups, 0 to 0.15; 0 splits nothing off.
        seed: another seed, another validation set.
        document_pattern: regular expression, searched in an image's path; what its groups match
            (without groups: the whole match) names the document. Empty for none.

    Raises:
        FieldError: a value is out of range.
    """

    share: float = 0.05
    seed: int = 0
    document_pattern: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= MAX_SHARE:
            fix = f"Write a fraction from 0 to {MAX_SHARE}"
            raise FieldError(self, "share", f"is {self.share}", fix)
        at_least(self, 0, "seed")
        try:
            re.compile(self.document_pattern)
        except re.error as error:
            cause = f"{self.document_pattern!r} is not a regular expression ({error})"
            raise FieldError(self, "document_pattern", cause, "Correct the pattern") from None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned, or what a user wrote; absent keys have their defaults.

        Raises:
            ConfigError: a key is unknown, or a value of the wrong type or out of range.
        """
        return parse(cls, whole_numbers(values), SourceLocation(("split",), {}))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Split:
    """The sides of one label list's samples.

    Attributes:
        rule: share, seed and pattern.
        kind: what a group is: a document, a folder, or a block of consecutive labels.
        source: name of the label list's source, which tells its blocks from another source's.
        label_list: path of the list, for messages.
    """

    rule: SplitRule
    kind: GroupKind
    source: str
    label_list: str

    @classmethod
    def of(cls, rule: SplitRule, paths: Iterable[str], source: str, label_list: str) -> Self:
        """Chooses what a group is: documents by pattern, else folders where there are several.

        Args:
            rule: share, seed and pattern.
            paths: of the images, relative to their folder; read until two folders differ.
            source: as it is called however often it grows: an archive's file name.
            label_list: path of the list.
        """
        kind: GroupKind = "document"
        if not rule.document_pattern:
            parents = (str(PurePosixPath(path).parent) for path in paths)
            first = next(parents, "")
            kind = "folder" if any(parent != first for parent in parents) else "block"
        return cls(rule, kind, source, label_list)

    def role(self, number: int, path: str) -> str:
        """Returns `train` or `validation`.

        Args:
            number: line of the label list, from 1.
            path: of the line's first image.

        Raises:
            LabelError: the document's pattern is not in the path.
        """
        side = hash_unit(self.rule.seed, self.group(number, path))
        return VALIDATION if side < self.rule.share else TRAIN

    def group(self, number: int, path: str) -> str:
        """Returns the name of a sample's group; see `role`."""
        if self.kind == "document":
            return f"document\0{self._document(number, path)}"
        if self.kind == "folder":
            return f"folder\0{PurePosixPath(path).parent}"
        return f"block\0{self.source}\0{(number - 1) // BLOCK}"

    def _document(self, number: int, path: str) -> str:
        match = re.search(self.rule.document_pattern, path)
        if match is None:
            raise LabelError(
                f"{self.label_list}:{number}",
                f"the document pattern {self.rule.document_pattern!r} is not in {path!r}",
                "Write a pattern that every image's path has, or leave it out",
            )
        return "\0".join(part or "" for part in match.groups()) if match.groups() else match[0]


def hash_unit(seed: int, group: str) -> float:
    """Returns a number from 0 to 1 (exclusive), evenly spread over groups and seeds."""
    digest = hashlib.sha256(f"{seed}\0{group}".encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def unfit_split(train: int, validation: int) -> str:
    """Returns why a validation set of this size is none, in words; empty where it is one.

    Args:
        train: samples to learn from.
        validation: samples split off.
    """
    if validation < MIN_VALIDATION:
        return f"{validation:,} validation samples are fewer than {MIN_VALIDATION}"
    if validation > MAX_RATIO * train:
        return f"{validation:,} validation samples are more than a fifth of {train:,} to learn from"
    return ""


def lowest_hashes(checksums: NDArray[np.uint64], most: int = MAX_READ) -> NDArray[np.int64]:
    """Returns the positions of the samples with the lowest hashes, in the data set's order.

    Which they are depends on the images alone; when data arrive, those taken before can only be
    replaced by new ones.

    Args:
        checksums: `Dataset.checksums`, uint64 [N].
        most: how many; all where there are no more.

    Returns:
        int64 [min(N, most)], ascending.
    """
    if len(checksums) <= most:
        return np.arange(len(checksums))
    return np.sort(np.argsort(_mixed(checksums), kind="stable")[:most])


def positions_in(checksums: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns the positions of the images that are among the others; unreadable ones never are.

    Args:
        checksums: `Dataset.checksums`, uint64 [N]; 0 is an unreadable image.
        others: of another data set.
    """
    return np.flatnonzero(np.isin(checksums, others) & (checksums != 0))


def _mixed(checksums: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spreads keys evenly over 64 bits. Source: the finaliser of SplitMix64 (Steele 2014)."""
    z = checksums + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
