"""The entity tags that most S3 stores give: MD5 of an object, or of the MD5s of its parts.

They tell whether a store received what was sent. Stores that encrypt with keys of their own give
others, see `S3Client.put_file`.
"""

import hashlib
from typing import BinaryIO

PART_BYTES = 16 << 20  # files above this go up in parts


class EtagHash:
    """Computes the entity tag of content that is written to it in pieces.

    Args:
        size: of the whole content in bytes; above `PART_BYTES` it has parts.
    """

    def __init__(self, size: int) -> None:
        self._in_parts = size > PART_BYTES
        self._parts: list[bytes] = []
        self._part = hashlib.md5(usedforsecurity=False)
        self._filled = 0

    def write(self, content: bytes) -> int:
        """Adds the next piece."""
        left = memoryview(content)
        while len(left):
            piece = left[: PART_BYTES - self._filled] if self._in_parts else left
            self._part.update(piece)
            self._filled += len(piece)
            left = left[len(piece) :]
            if self._in_parts and self._filled == PART_BYTES:
                self._end_part()
        return len(content)

    def etag(self) -> str:
        """Returns the tag of what was written; called once, at the end."""
        if not self._in_parts:
            return self._part.hexdigest()
        if self._filled:
            self._end_part()
        joined = hashlib.md5(b"".join(self._parts), usedforsecurity=False)
        return f"{joined.hexdigest()}-{len(self._parts)}"

    def _end_part(self) -> None:
        self._parts.append(self._part.digest())
        self._part, self._filled = hashlib.md5(usedforsecurity=False), 0


class HashingReader:
    """A binary file that hashes what is read from it, in order.

    Attributes:
        hash: of what was read so far.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.hash = EtagHash(size)
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Reads as a file does."""
        content = self._file.read(size)
        self.hash.write(content)
        return content
