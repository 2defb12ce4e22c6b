"""LMDB folders that other tools packed: PaddleOCR, deep-text-recognition-benchmark."""

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import SAMPLE, Row, Sample, checksums_of, probe, sizes_of
from ocr_lib.data.lmdb_store.read import LmdbReader
from ocr_lib.errors import LmdbError
from ocr_lib.progress import Progress


class PlainLmdb:
    """Samples of one LMDB environment without a manifest, so without checksums.

    Args:
        directory: holds data.mdb.

    Raises:
        LmdbError: the file is cut short, or not an LMDB of text lines.

    Source: PaddleOCR `LMDBDataSet`. Unlike it, a damaged sample is never replaced by another one.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._reader = LmdbReader(self.directory)
        self._samples = self._reader.count()

    def __len__(self) -> int:
        return self._samples

    @cached_property
    def table(self) -> NDArray[Any]:
        """A row a sample, read once."""
        with Progress(len(self), "reading image sizes", "images") as progress:
            rows = []
            for i in range(len(self)):
                rows.append(self._probe(i))
                progress.add()
        return np.array(rows, SAMPLE)

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]; 0, 0 where it is unreadable."""
        return sizes_of(self.table)

    @cached_property
    def checksums(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]; 0 where it is unreadable."""
        return checksums_of(self.table)

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample; an unreadable one is empty."""
        for i in range(len(self)):
            try:
                yield self._reader.record(i)[1]
            except LmdbError:
                yield ""

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:  # noqa: ARG002
        """Returns sample `i`, which has one image.

        Raises:
            LmdbError: there is no such record, or it is damaged.
        """
        image, label = self._reader.record(i)
        return Sample(image, label, f"{self.directory.name}:{i + 1}")

    def resample(self, epoch: int) -> bool:  # noqa: ARG002
        """Changes nothing: all samples are in every epoch."""
        return False

    def _probe(self, i: int) -> Row:
        try:
            return probe(self._reader.record(i)[0], i + 1)
        except LmdbError:
            return 0, 0, 0, 0, i + 1

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.directory,)


@cache
def _reopen(directory: Path) -> PlainLmdb:
    """Opens what another process sent, once."""
    return PlainLmdb(directory)
