"""Positions of a data set that leave some out, as small in memory as those that are left out."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Positions:
    """The positions 0 … `total` - 1 without some, in order.

    Attributes:
        total: number of positions, with those left out.
        left_out: those, ascending; int64 [left out].
    """

    total: int
    left_out: NDArray[np.int64]

    @classmethod
    def of_mask(cls, taken: NDArray[np.bool_]) -> Self:
        """Returns the positions that a mask marks; bool [total]."""
        return cls(len(taken), np.flatnonzero(~taken))

    def __len__(self) -> int:
        return self.total - len(self.left_out)

    def __getitem__(self, k: int) -> int:
        """Returns the position number `k` of those that are taken."""
        if not 0 <= k < len(self):
            raise IndexError(f"position {k} of {len(self)}")
        return k + int(np.searchsorted(self._taken_before, k, side="right"))

    @cached_property
    def _taken_before(self) -> NDArray[np.int64]:
        """How many are taken before each that is left out."""
        return self.left_out - np.arange(len(self.left_out))

    def without_left_out(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Returns the entries of [total, …] whose positions are taken."""
        return np.delete(values, self.left_out, axis=0) if len(self.left_out) else values

    def to_array(self) -> NDArray[np.signedinteger]:
        """Returns all positions that are taken; int32 where they fit, else int64."""
        kind = np.int32 if self.total <= np.iinfo(np.int32).max else np.int64
        every: NDArray[np.signedinteger] = np.arange(self.total, dtype=kind)
        return np.delete(every, self.left_out) if len(self.left_out) else every
