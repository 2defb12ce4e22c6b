"""All labels of a split, in files without a name instead of in memory."""

import mmap
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import IO, overload

from ocr_lib.errors import DataError

ROWS = 1 << 14  # labels that are written or read at a time
ERRORS = "surrogatepass"  # what a label list cannot decode comes back as it was


class LabelTable(Sequence[str]):
    """Labels by position; the kernel keeps in memory what there is room for.

    The files are in the folder of temporary files (TMPDIR) and go with the object.

    Args:
        labels: all of them, read once.

    Raises:
        DataError: the folder has no room.
    """

    def __init__(self, labels: Iterable[str]) -> None:
        try:
            with tempfile.TemporaryFile() as texts, tempfile.TemporaryFile() as ends:
                self._count = _write(labels, texts, ends)
                self._texts, self._ends = _mapped(texts), _mapped(ends)
        except OSError as error:
            where = tempfile.gettempdir()
            cause = f"the labels cannot be written ({error.strerror})"
            raise DataError(where, cause, "Free some space, or set TMPDIR") from error

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, i: int) -> str: ...

    @overload
    def __getitem__(self, i: slice) -> list[str]: ...

    def __getitem__(self, i: int | slice) -> str | list[str]:
        if isinstance(i, slice):
            return [self[k] for k in range(len(self))[i]]
        i = range(len(self))[i]
        start = self._rows(i - 1, i)[0] if i else 0
        return self._texts[start : self._rows(i, i + 1)[0]].decode(errors=ERRORS)

    def __iter__(self) -> Iterator[str]:
        start = 0
        for first in range(0, len(self), ROWS):
            for end in self._rows(first, min(first + ROWS, len(self))):
                yield self._texts[start:end].decode(errors=ERRORS)
                start = end

    def _rows(self, start: int, stop: int) -> "array[int]":
        return array("q", self._ends[start * 8 : stop * 8])


def _write(labels: Iterable[str], texts: IO[bytes], ends: IO[bytes]) -> int:
    """Writes texts, and where each ends, as int64; returns how many there are."""
    count = end = 0
    remaining = iter(labels)
    while some := [label.encode(errors=ERRORS) for label in islice(remaining, ROWS)]:
        texts.write(b"".join(some))
        batch_ends = array("q", accumulate(map(len, some), initial=end))[1:]
        ends.write(batch_ends.tobytes())
        count, end = count + len(some), batch_ends[-1]
    return count


def _mapped(file: IO[bytes]) -> mmap.mmap | bytes:
    file.flush()
    if not file.tell():
        return b""  # nothing can be mapped
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
