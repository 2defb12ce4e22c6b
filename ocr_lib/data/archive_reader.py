"""Archives read within bounds: what describes a member may be no larger than it need be.

A compressed megabyte can hold a name of a gigabyte, and a zip's directory millions of members.
"""

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from ocr_lib.digest import CHUNK_BYTES
from ocr_lib.errors import DataError

HEADER_BYTES = 128 << 10  # of what describes a tar's member: names, attributes
DIRECTORY_BYTES = 64 << 20  # of a zip; 600,000 members with names of usual length
XZ_MEMORY_BYTES = 128 << 20  # `xz -9` takes 65 MiB to decompress
# What tarfile, zipfile and the decompressors raise of damaged content.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    ValueError,  # numbers and texts that tarfile and zipfile do not expect to be something else
    ArithmeticError,
    LookupError,
    RecursionError,
    NotImplementedError,
)


class BoundedReader:
    """A file of which no more is read than was allowed: sizes in it are only claims.

    Args:
        file: open for reading; what is not seekable can be skipped forward.
        where: the file that an error names.
        part: what is read, for the error.
    """

    def __init__(self, file: IO[bytes], where: str, part: str) -> None:
        self._file = file
        self._where = where
        self._part = part
        self._allowed = self._left = 0
        self.last = b""  # what was read last

    def allow(self, size: int) -> None:
        """Allows this many bytes from here on."""
        self._allowed = self._left = size

    def read(self, size: int = -1) -> bytes:
        """Reads this many bytes, fewer at the end; all of the rest for a negative size.

        Raises:
            DataError: more than is allowed.
        """
        if size > self._left:
            raise self._too_much()
        self.last = self._file.read(size if size >= 0 else self._left + 1)
        self._left -= len(self.last)
        if self._left < 0:
            raise self._too_much()
        return self.last

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves as a file's `seek`."""
        if self._file.seekable():
            return self._file.seek(offset, whence)
        while (gap := offset - self._file.tell()) > 0 and self._file.read(min(gap, CHUNK_BYTES)):
            pass
        if gap < 0:
            raise tarfile.ReadError(f"a step back to byte {offset}")
        return offset

    def seekable(self) -> bool:
        """Whether it can go back."""
        return self._file.seekable()

    def tell(self) -> int:
        """Returns the position."""
        return self._file.tell()

    def _too_much(self) -> DataError:
        cause = f"{self._part} has more than {self._allowed:,} bytes"
        return DataError(self._where, cause, "Pack the files again, as a plain tar")


@contextmanager
def open_zip(path: Path) -> Iterator[tuple[zipfile.ZipFile, BoundedReader]]:
    """Opens a zip whose directory is not larger than a reader can hold.

    Yields:
        The zip, and the reader below it, which has to `allow` what is read of a member.

    Raises:
        DataError: the directory is too large, or it is that of another zip behind this one.
        zipfile.BadZipFile: it is damaged.
    """
    with open(path, "rb") as file:
        reader = BoundedReader(file, str(path), "the directory of the zip")
        reader.allow(DIRECTORY_BYTES)
        with zipfile.ZipFile(cast(IO[bytes], reader)) as packed:
            offsets = [member.header_offset for member in packed.infolist()]
            if min(offsets, default=0) > 0:
                cause = "bytes before the first member, of another zip or a program"
                raise DataError(str(path), cause, "Pack the files again, as one zip")
            yield packed, reader


@contextmanager
def open_tar(archive: Path) -> Iterator[tuple[tarfile.TarFile, BoundedReader, BinaryIO]]:
    """Opens a tar, compressed or not, whose headers are not larger than names and attributes are.

    Yields:
        The tar; the reader below it, which has to `allow` what is read of a member and of the next
        header; and the file, whose position is the progress.

    Raises:
        DataError: a header is too large.
        tarfile.ReadError: it is no tar.
    """
    with open(archive, "rb") as raw:
        magic = raw.read(6)
        raw.seek(0)
        with _decompressed(raw, magic) as file:
            reader = BoundedReader(file, str(archive), "the header of a member")
            reader.allow(HEADER_BYTES)
            with tarfile.open(fileobj=cast(IO[bytes], reader), mode="r:") as tar:
                yield tar, reader, raw


def _decompressed(raw: BinaryIO, magic: bytes) -> IO[bytes]:
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if magic == b"\xfd7zXZ\0":
        return io.BufferedReader(_XzFile(raw), CHUNK_BYTES)
    return raw


class _XzFile(io.RawIOBase):
    """Decompresses xz in little memory; `lzma.open` takes as much as the file asks for."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._decompressor = self._new()
        self._position = 0

    def readable(self) -> bool:
        """Says that it can be read."""
        return True

    def tell(self) -> int:
        """Returns how many bytes were read."""
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fills the buffer as far as one call of the decompressor does; 0 at the end."""
        content = b""
        while not content:
            if self._decompressor.eof:
                packed = self._decompressor.unused_data or self._raw.read(CHUNK_BYTES)
                packed = packed.lstrip(b"\0")  # streams may be padded
                if not packed:
                    break
                self._decompressor = self._new()
            elif self._decompressor.needs_input:
                packed = self._raw.read(CHUNK_BYTES)
                if not packed:
                    raise EOFError("the compressed stream ends too soon")
            else:
                packed = b""
            content = self._decompressor.decompress(packed, len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)
