"""Which images may be equal: by their checksums, sorted, without a table of all of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 20  # checksums that are looked up at a time
Pair = tuple[int, int]


def shared_with(before: NDArray[np.uint64], after: NDArray[np.uint64]) -> list[Pair]:
    """Returns which images of a set may be in another one.

    Memory for each image of `after`, none for those of `before` but their checksums.

    Args:
        before: `Dataset.checksums` of the other set.
        after: of the set; 0 is an unreadable image, which is equal to none.

    Returns:
        Position in `after`, ascending, and the first position in `before` of equal checksum.
    """
    values = np.unique(after[after != 0])
    if not len(values):
        return []
    first = np.full(len(values), -1, np.int64)
    for start in range(0, len(before), CHUNK):
        place, hits = _find(values, before[start : start + CHUNK])
        new = hits[first[place[hits]] < 0][::-1]  # of equal ones the first is written last
        first[place[new]] = start + new
    place, hits = _find(values, after)
    hits = hits[first[place[hits]] >= 0]
    return list(zip(hits.tolist(), first[place[hits]].tolist(), strict=True))


def repeated(checksums: NDArray[np.uint64]) -> Iterator[Pair]:
    """Yields which images may have occurred before in their set.

    Memory for one more copy of the checksums, and for the images that are repeated.

    Args:
        checksums: `Dataset.checksums`; 0 is an unreadable image, which is equal to none.

    Yields:
        Position, ascending, and the first position of equal checksum.
    """
    ordered = np.sort(checksums)
    values = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    values = values[values != 0]
    first: dict[int, int] = {}
    if not len(values):
        return
    for start in range(0, len(checksums), CHUNK):
        chunk = checksums[start : start + CHUNK]
        for position in _find(values, chunk)[1].tolist():
            before = first.setdefault(int(chunk[position]), start + position)
            if before != start + position:
                yield start + position, before


def _find(
    values: NDArray[np.uint64], searched: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the place in `values` of each, and the positions of those that are there."""
    place = np.searchsorted(values, searched).clip(max=len(values) - 1)
    return place, np.flatnonzero(values[place] == searched)
