"""What every data set offers, whatever it is stored in."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.decode import MAX_BYTES, check_size
from ocr_lib.errors import ImageError
from ocr_lib.regular_file import open_handle

# One row a sample: the image's checksum, its bytes, its size in px and its line in the label list.
SAMPLE = np.dtype(
    [("crc32", "<u4"), ("bytes", "<u4"), ("width", "<i4"), ("height", "<i4"), ("line", "<u4")]
)
READ_BYTES = 1 << 16
Row = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled line image.

    Attributes:
        image: the encoded file.
        label: the text.
        name: where it comes from, for messages and reports.
    """

    image: bytes
    label: str
    name: str


class Dataset(Protocol):
    """Labelled line images by position. Cheap to send to another process."""

    def __len__(self) -> int: ...

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]; 0, 0 where it is unreadable."""

    @property
    def checksums(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]; 0 where it is unreadable.

        Equal files have equal numbers; the reverse holds but for a chance of 2**-40 a pair.
        """

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample, in order, without reading images."""

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        """Returns sample `i`. Where it has several images, `rng` picks one; None is the first.

        Raises:
            ImageError, LmdbError: this sample cannot be read. Never another one in its place.
        """

    def resample(self, epoch: int) -> bool:
        """Redraws what a ratio below 1 leaves out; returns whether that changed anything."""


def read_file(path: str, limit: int = MAX_BYTES) -> bytes:
    """Returns a file's content; two thirds of the time that a file object takes for a small one.

    Args:
        path: the file. What is none, such as a pipe, is an error.
        limit: bytes; of a longer file one more is read, so that its length shows.

    Raises:
        OSError: it cannot be read.
    """
    handle = open_handle(path)
    try:
        parts = [os.read(handle, READ_BYTES)]
        left = limit + 1 - len(parts[0])
        while left > 0 and (part := os.read(handle, min(left, READ_BYTES))):
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(handle)


def probe(data: bytes, line: int) -> Row:
    """Returns the row of an encoded image; its size is 0, 0 where it cannot be decoded."""
    try:
        size = check_size(data, "image")
    except ImageError:
        size = 0, 0
    return crc32(data), len(data), *size, line


def sizes_of(table: NDArray[Any]) -> NDArray[np.int32]:
    """Returns `Dataset.sizes` from a table of rows."""
    return np.stack([table["width"], table["height"]], axis=1)


def checksums_of(table: NDArray[Any]) -> NDArray[np.uint64]:
    """Returns `Dataset.checksums` from a table of rows."""
    checksums = table["crc32"].astype(np.uint64) << np.uint64(32) | table["bytes"]
    return np.asarray(checksums, np.uint64)
