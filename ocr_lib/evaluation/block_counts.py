"""Sums over an evaluation by slice and block: all that paired statistics need, in bounded size.

The samples, in the order of the data set, fall into at most `BLOCKS` runs of neighbours. A report
keeps the sums of every slice in every block, so two models can be compared sample by sample (where
there are no more samples than blocks) or block by block, and the report of a million samples is no
longer than that of a few thousand. Neighbours often come from the same page: keeping them
together makes the comparison honest about that.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

BLOCKS = 1024
# Edit distances over longer length are summed in millionths, so that every sum is an integer.
FIELDS = (
    "samples",
    "correct",
    "distance",
    "edits",
    "characters",
    "space_hits",
    "space_truths",
    "space_reads",
)
MILLION = 1_000_000
METRICS = ("accuracy", "norm_edit_dis", "cer", "space_f1")
LOWER_IS_BETTER = ("cer",)
WHOLE = ("whole", "all lines")

Key = tuple[str, str]  # dimension and name of a slice, such as ("length", "1-5")
Counts = NDArray[np.int64]


def block_metrics(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Turns sums of `FIELDS`, [..., 8], into `METRICS`, [..., 4]; NaN where there is none."""
    samples, correct, distance, edits, characters, hits, truths, reads = np.moveaxis(
        sums.astype(np.float64), -1, 0
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                correct / samples,
                1.0 - distance / MILLION / samples,
                edits / np.maximum(characters, 1.0),
                2.0 * hits / (truths + reads),
            ],
            axis=-1,
        )


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """Sums by slice, field and block.

    Attributes:
        slices: dimension and name of each slice, all samples first.
        blocks: how many.
        data: the sums, little-endian int64 [slices, fields, blocks].
    """

    slices: tuple[Key, ...]
    blocks: int
    data: bytes

    @property
    def counts(self) -> Counts:
        """The sums, int64 [slices, fields, blocks]."""
        shape = len(self.slices), len(FIELDS), self.blocks
        return np.frombuffer(self.data, "<i8").reshape(shape)

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values."""
        # Bytes of equal weight together: most are 0, and the rest compress to half.
        planes = np.frombuffer(self.data, np.uint8).reshape(-1, 8).T.tobytes()
        packed = base64.b64encode(zlib.compress(planes)).decode("ascii")
        return {"slices": [list(key) for key in self.slices], "blocks": self.blocks, "sums": packed}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned.

        Raises:
            ValueError: the sums are not as many as the slices and blocks say.
        """
        slices = tuple((str(dimension), str(name)) for dimension, name in values["slices"])
        size = len(slices) * len(FIELDS) * int(values["blocks"]) * 8
        unpack = zlib.decompressobj()
        planes = unpack.decompress(base64.b64decode(values["sums"]), size + 1)
        if len(planes) != size:
            raise ValueError(f"{len(planes)} bytes of sums, not {size}")
        data = np.frombuffer(planes, np.uint8).reshape(8, -1).T.tobytes()
        return cls(slices, int(values["blocks"]), data)


class BlockCounter:
    """Adds samples to cells, many at a time.

    Args:
        total: how many samples there will be.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.blocks = min(max(total, 1), BLOCKS)
        self._samples = 0
        self._rows: dict[Key, int] = {WHOLE: 0}
        self._counts = np.zeros((1, len(FIELDS), self.blocks), np.int64)

    def row(self, key: Key) -> int:
        """Returns the number of a slice, a new one where it was not seen before."""
        return self._rows.setdefault(key, len(self._rows))

    def add(self, values: Sequence[Sequence[int]], members: Sequence[Sequence[int]]) -> None:
        """Adds the next samples.

        Args:
            values: `FIELDS` of each sample.
            members: the slices that each sample belongs to in addition to the whole.
        """
        if not values:
            return
        self._grow()
        samples = np.array(values, np.int64)
        order = np.arange(self._samples, self._samples + len(samples))
        self._samples += len(samples)
        block = order * self.blocks // max(self.total, 1)
        sizes = [len(rows) for rows in members]
        sample = np.concatenate(
            [np.arange(len(samples)), np.repeat(np.arange(len(samples)), sizes)]
        )
        rows = np.concatenate([np.zeros(len(samples), np.int64), _flat(members)])
        cell = rows * self.blocks + block[sample]
        for field, column in enumerate(samples.T):
            used = np.flatnonzero(column[sample])  # most samples are right and have no edits
            sums = np.bincount(cell[used], column[sample[used]], len(self._rows) * self.blocks)
            self._counts[:, field] += sums.astype(np.int64).reshape(-1, self.blocks)

    def cells(self) -> BlockCounts:
        """Returns the sums, the slices in order of dimension and name."""
        self._grow()
        return BlockCounts(tuple(self._rows), self.blocks, self._counts.astype("<i8").tobytes())

    def sums(self) -> dict[Key, NDArray[np.int64]]:
        """Returns the sums of `FIELDS` of every slice."""
        self._grow()
        totals = self._counts.sum(axis=2)
        return {key: totals[row] for key, row in self._rows.items()}

    def _grow(self) -> None:
        if missing := len(self._rows) - len(self._counts):
            more = np.zeros((missing, len(FIELDS), self.blocks), np.int64)
            self._counts = np.concatenate([self._counts, more])


def _flat(members: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array([row for rows in members for row in rows], np.int64)
