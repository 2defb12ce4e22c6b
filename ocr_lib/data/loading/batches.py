"""Which samples make up which batch of an epoch: a pure function of the seed and the epoch.

Samples of the same padded width go together, so a batch holds little padding; the order of the
batches is shuffled. Nothing here remembers anything, which is what makes a resume exact: batch k
of epoch e is the same batch in every process that asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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


def plan_epoch(
    widths: np.ndarray,
    indices: np.ndarray,
    *,
    batch_size: int,
    reference_width: int,
    seed: int,
    epoch: int,
    shuffle: bool = True,
    narrow_first: bool = False,
    drop_last: bool = False,
) -> list[Batch]:
    """Divides one epoch into batches.

    A sample left over in its bucket moves up to the next wider one, so that only the very last
    batch can be small; statistics of batch normalisation over two or three lines are noise.

    Args:
        widths: int32 [len], the padded width of every sample of the data set.
        indices: int64 [usable], the samples to use.
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
    batches: list[Batch] = []
    waiting: list[int] = []
    for width in np.unique(widths[order]).tolist():
        members = waiting + order[widths[order] == width].tolist()
        size = max(1, min(batch_size, batch_size * reference_width // width))
        full = len(members) // size * size
        batches += _cut(members[:full], size, width)
        waiting = members[full:]
        last_width = width
    if waiting and not (drop_last and batches):
        batches.append(Batch(last_width, tuple(waiting)))
    if narrow_first or not shuffle:
        return batches
    return [batches[i] for i in rng.permutation(len(batches))]


def shard(batches: Sequence[Batch], rank: int, world_size: int) -> list[Batch]:
    """Returns every `world_size`-th batch from `rank` on; all ranks get equally many.

    Where the number does not divide, the first batches are used again: ranks that ran out
    would leave the others waiting for their gradients for ever.
    """
    rounds = -(-len(batches) // world_size)
    return [batches[(i * world_size + rank) % len(batches)] for i in range(rounds)]


def _cut(members: list[int], size: int, width: int) -> list[Batch]:
    return [Batch(width, tuple(members[i : i + size])) for i in range(0, len(members), size)]
