"""LMDB folders that other tools packed: PaddleOCR, deep-text-recognition-benchmark."""

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import SAMPLE, Row, Sample, checksums_of, probe, sizes_of
from ocr_lib.data.decode import check_size
from ocr_lib.data.lmdb_store.environment import CheckedFile, checked_files, trust
from ocr_lib.data.lmdb_store.manifest import DATA
from ocr_lib.data.lmdb_store.read import REPACK, LmdbReader
from ocr_lib.errors import ImageError, LmdbError, UserError
from ocr_lib.progress import Progress


class PlainLmdb:
    """Samples of one LMDB environment without a manifest, so without checksums.

    Args:
        directory: holds data.mdb.

    Attributes:
        left_out: what is in the file and is no sample, in words.

    Raises:
        LmdbError: the file is cut short or damaged, or not an LMDB of text lines counted from 1.

    Source: PaddleOCR `LMDBDataSet`. Unlike it, a damaged sample is never replaced by another one.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._reader = LmdbReader(self.directory)
        self._samples = self._reader.count()
        if self._reader.has_sample(0):
            cause = "its samples are counted from 0, and readers of this layout count from 1"
            raise LmdbError(str(self.directory), cause, REPACK)
        self.left_out = tuple(self._left_out())

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

    def fault(self, i: int) -> UserError | None:
        """Returns what is wrong with sample `i`, decided by its record and its image's header."""
        try:
            sample = self.sample(i)
            check_size(sample.image, f"{self.directory / DATA} sample {i + 1}")
        except (LmdbError, ImageError) as error:
            return error
        if not sample.label:
            where = f"{self.directory / DATA} sample {i + 1}"
            return LmdbError(where, "the label is empty", REPACK)
        return None

    def _left_out(self) -> Iterator[str]:
        if self._reader.has_sample(self._samples + 1):
            others = (self._reader.records() - 1) // 2 - self._samples
            yield (
                f"{self.directory}: num-samples is {self._samples}, and sample "
                f"{self._samples + 1} is there as well: {max(others, 1)} samples are left out"
            )

    def _probe(self, i: int) -> Row:
        try:
            return probe(self._reader.record(i)[0], i + 1)
        except LmdbError:
            return 0, 0, 0, 0, i + 1

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (checked_files(), self.directory)


def _reopen(checked: tuple[CheckedFile, ...], directory: Path) -> PlainLmdb:
    """Opens what another process sent, once."""
    trust(checked)
    return _opened_once(directory)


@cache
def _opened_once(directory: Path) -> PlainLmdb:
    return PlainLmdb(directory)
