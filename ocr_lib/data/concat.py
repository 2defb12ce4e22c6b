"""Several data sets as one, and a share of one."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import Dataset, Sample

SEED = 1024  # PaddleOCR's, of what a ratio below 1 draws


class Concat:
    """Several data sets, one after the other."""

    def __init__(self, parts: Sequence[Dataset]) -> None:
        self._parts = tuple(parts)
        self._count()

    def _count(self) -> None:
        self._ends = np.cumsum([len(part) for part in self._parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def parts(self) -> tuple[Dataset, ...]:
        """The data sets, in their order."""
        return self._parts

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]."""
        return np.concatenate([part.sizes for part in self._parts])

    @property
    def checksums(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]."""
        return np.concatenate([part.checksums for part in self._parts])

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample."""
        for part in self._parts:
            yield from part.labels()

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        """Returns sample `i` of all."""
        if not 0 <= i < len(self):
            raise IndexError(f"sample {i} of {len(self)}")
        part = int(np.searchsorted(self._ends, i, side="right"))
        start = int(self._ends[part - 1]) if part else 0
        return self._parts[part].sample(i - start, rng)

    def resample(self, epoch: int) -> bool:
        """Redraws in every part that has a ratio; returns whether one has."""
        changed = [part.resample(epoch) for part in self._parts]
        return any(changed)


class Selection:
    """Some samples of a data set.

    Args:
        dataset: all samples.
        positions: of the samples to take, ascending; int64 [len].
    """

    def __init__(self, dataset: Dataset, positions: NDArray[np.int64]) -> None:
        self._dataset = dataset
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]."""
        return np.asarray(self._dataset.sizes[self._positions])

    @property
    def checksums(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]."""
        return np.asarray(self._dataset.checksums[self._positions])

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample."""
        taken = np.zeros(len(self._dataset), bool)
        taken[self._positions] = True
        for label, take in zip(self._dataset.labels(), taken.tolist(), strict=True):
            if take:
                yield label

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        """Returns sample `i` of the selection."""
        return self._dataset.sample(int(self._positions[i]), rng)

    def resample(self, epoch: int) -> bool:
        """Draws again what a ratio leaves out of the whole."""
        return self._dataset.resample(epoch)


class Subset(Selection):
    """A share of a data set, in its order.

    Args:
        dataset: all samples.
        ratio: share of them, 0 to 1.
        epoch: decides, with the seed, which ones.
        seed: of the draw.
    """

    def __init__(self, dataset: Dataset, ratio: float, epoch: int = 0, seed: int = SEED) -> None:
        super().__init__(dataset, np.zeros(0, np.int64))
        self._ratio = ratio
        self._seed = seed
        self.resample(epoch)

    @property
    def whole(self) -> Dataset:
        """All samples, drawn or not."""
        return self._dataset

    def resample(self, epoch: int) -> bool:
        """Draws the samples of an epoch; their number stays."""
        self._epoch = epoch
        total = len(self._dataset)
        self._positions = _draw(total, round(total * self._ratio), self._seed, epoch)
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return Subset, (self._dataset, self._ratio, self._epoch, self._seed)


def every_label(dataset: Dataset) -> Iterator[str]:
    """Yields the labels of all samples that any epoch may have, those too that a ratio leaves out.

    A dictionary of the labels has to hold what later epochs draw.
    """
    if isinstance(dataset, Concat):
        for part in dataset.parts:
            yield from every_label(part)
    elif isinstance(dataset, Subset):
        yield from every_label(dataset.whole)
    else:
        yield from dataset.labels()


@lru_cache(maxsize=8)
def _draw(total: int, count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    drawn = np.random.default_rng([seed, epoch]).choice(total, count, replace=False)
    return np.sort(drawn)
