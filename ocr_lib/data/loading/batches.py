"""Which samples make up which batch of an epoch: a pure function of the seed and the epoch.

Samples of the same padded width go together, so a batch holds little padding; the order of the
batches is shuffled. Nothing here remembers anything, which is what makes a resume exact: batch k
of epoch e is the same batch in every process that asks for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Batch:
    """Samples padded to one width.

    Attributes:
        width: padded width in pixels.
        indices: positions in the data set.
        height: in pixels; 0 is the network's own.
    """

    width: int
    indices: tuple[int, ...]
    height: int = 0


@dataclass(frozen=True, eq=False)
class EpochPlan(Sequence[Batch]):
    """Batches of an epoch in arrays: a number for each sample, a few for each batch.

    Attributes:
        members: positions of the samples, those of a batch one after the other; int [samples].
        starts: where the samples of each batch begin; int64 [batches].
        counts: of the samples of each batch; int32 [batches].
        widths: padded width of each batch, px; int32 [batches].
        heights: of each batch, px, 0 for the network's own; int32 [batches].
    """

    members: NDArray[np.signedinteger]
    starts: NDArray[np.int64]
    counts: NDArray[np.int32]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]

    @classmethod
    def of_batches(cls, batches: Iterable[tuple[int, NDArray[np.signedinteger], int]]) -> Self:
        """Returns the plan of batches, each of width, samples and height; one at least."""
        widths, members, heights = zip(*batches, strict=True)
        counts = np.array(list(map(len, members)), np.int32)
        return cls(
            np.concatenate(members),
            np.cumsum(counts, dtype=np.int64) - counts,
            counts,
            np.array(widths, np.int32),
            np.array(heights, np.int32),
        )

    def take(self, order: NDArray[np.integer]) -> Self:
        """Returns the batches of these numbers, in their order; the samples are shared."""
        of_batches = (self.starts, self.counts, self.widths, self.heights)
        return type(self)(self.members, *(values[order] for values in of_batches))

    def by_width(self) -> Self:
        """Returns the batches sorted by width, narrow ones first, else in their order."""
        return self.take(np.argsort(self.widths, kind="stable"))

    @property
    def pixels(self) -> int:
        """Samples times padded width, of all batches."""
        return int(self.widths.astype(np.int64) @ self.counts)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, at: int) -> Batch: ...

    @overload
    def __getitem__(self, at: slice) -> "EpochPlan": ...

    def __getitem__(self, at: int | slice) -> "Batch | EpochPlan":
        if isinstance(at, slice):
            return self.take(np.arange(len(self))[at])
        start = int(self.starts[at])
        members = self.members[start : start + int(self.counts[at])]
        return Batch(int(self.widths[at]), tuple(members.tolist()), int(self.heights[at]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EpochPlan):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


def plan_epoch(
    widths: NDArray[np.int32],
    indices: NDArray[np.signedinteger],
    *,
    batch_size: int,
    reference_width: int,
    seed: int,
    epoch: int,
    shuffle: bool = True,
    narrow_first: bool = False,
    drop_last: bool = False,
) -> EpochPlan:
    """Divides one epoch into batches.

    A sample left over in its bucket moves up to the next wider one, so that only the very last
    batch can be small; statistics of batch normalisation over two or three lines are noise.

    Args:
        widths: int32 [len], the padded width of every sample of the data set.
        indices: int [usable], the samples to use.
        batch_size: samples in a batch up to `reference_width`; wider batches hold
            proportionally fewer, so that every batch costs about the same.
        reference_width: pixels.
        seed: the run's seed.
        epoch: counted from 1.
        shuffle: False keeps the data set's order within each bucket and sorts by width.
        narrow_first: sort the batches by width, narrow ones first, whatever `shuffle` says. CTC
            finds the alignment of short lines soon and of long ones by what it learnt there.
        drop_last: leave out the samples that do not fill a batch, unless there are no others.

    Returns:
        Every sample of `indices` once, but for those that `drop_last` leaves out.

    Source of `narrow_first`: SortaGrad in Amodei et al., Deep Speech 2 (2015).
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(indices) if shuffle else np.asarray(indices)
    own_widths = widths[order]
    parts: list[NDArray[np.signedinteger]] = []
    counts: list[NDArray[np.int32]] = []
    bucket_widths: list[int] = []
    waiting = order[:0]
    for width in np.unique(own_widths).tolist():
        bucket = np.concatenate([waiting, order[own_widths == width]])
        size = max(1, min(batch_size, batch_size * reference_width // width))
        full = len(bucket) // size * size
        parts.append(bucket[:full])
        counts.append(np.full(full // size, size, np.int32))
        bucket_widths.append(width)
        waiting = bucket[full:]
    if len(waiting) and not (drop_last and any(map(len, counts))):
        parts.append(waiting)
        counts.append(np.array([len(waiting)], np.int32))
        bucket_widths.append(bucket_widths[-1])
    sizes = np.concatenate(counts)
    plan = EpochPlan(
        np.concatenate(parts),
        np.cumsum(sizes, dtype=np.int64) - sizes,
        sizes,
        np.repeat(np.array(bucket_widths, np.int32), list(map(len, counts))),
        np.zeros(len(sizes), np.int32),
    )
    return plan if narrow_first or not shuffle else plan.take(rng.permutation(len(plan)))


def shard(batches: EpochPlan, rank: int, world_size: int) -> EpochPlan:
    """Returns every `world_size`-th batch from `rank` on; all ranks get equally many.

    Where the number does not divide, the first batches are used again: ranks that ran out
    would leave the others waiting for their gradients for ever.
    """
    rounds = -(-len(batches) // world_size)
    return batches.take((np.arange(rounds) * world_size + rank) % len(batches))
