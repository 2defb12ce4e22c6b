"""The segments of a JPEG and the chunks of a PNG or WebP, without their pixels being decoded.

Each walk is bounded, and ends quietly where the file does not go on as its format says.
"""

import re
import struct
from collections.abc import Iterator

# Bytes between segments that are searched for the next marker, all gaps of a file together, and
# segments before the pixels, which are stepped over whatever their length. A JPEG has no such
# bytes, and a few dozen segments where a large colour profile comes first.
MAX_FILL = 256 << 10
MAX_SEGMENTS = 1000
MAX_CHUNKS = 1 << 16  # a PNG of 32 MiB has 4096 of the usual 8 KiB

JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
JPEG_ENDS = frozenset({0xD8, 0xD9, 0xDA})  # a second start, the end, pixels
_MARKER = re.compile(rb"\xff([^\x00\xff])").search
_LENGTH = struct.Struct(">H").unpack_from
_PNG_CHUNK = struct.Struct(">I4s").unpack_from
_RIFF_CHUNK = struct.Struct("<4sI").unpack_from


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields marker, start and end of each segment before the pixels, over stray bytes as libjpeg.

    Args:
        data: the file, from its first byte; start and end are of a segment's content in it.
    """
    position, searched = 2, 0
    for _ in range(MAX_SEGMENTS):
        match = _MARKER(data, position, position + MAX_FILL - searched)
        if match is None:
            return
        searched += match.start() - position
        position, marker = match.end(), data[match.end() - 1]
        if marker in JPEG_BARE:
            continue
        if marker in JPEG_ENDS or len(data) < position + 2:
            return
        (length,) = _LENGTH(data, position)
        if length < 2:
            return
        yield marker, position + 2, position + length
        position += length


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, start and end of each chunk's content, `IEND` the last."""
    position = 8
    for _ in range(MAX_CHUNKS):
        if len(data) < position + 8:
            return
        length, name = _PNG_CHUNK(data, position)
        yield name, position + 8, position + 8 + length
        position += 12 + length


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, start and end of each chunk's content."""
    position = 12
    for _ in range(MAX_CHUNKS):
        if len(data) < position + 8:
            return
        name, length = _RIFF_CHUNK(data, position)
        yield name, position + 8, position + 8 + length
        position += 8 + length + length % 2
