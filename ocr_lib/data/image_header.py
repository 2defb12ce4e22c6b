"""An encoded image's format, width and height, read from its first bytes without decoding it.

Twenty times cheaper than decoding, and safe on hostile input: a file that claims to be huge is
refused before any pixel is allocated, and a format whose size is not read here is never decoded.
Sizes are those that `decode_image` returns, so the EXIF orientation of a JPEG is honoured, as
OpenCV honours it.
"""

import re
import struct

ACCEPTED = ("JPEG", "PNG", "BMP", "WebP")  # the formats whose size is read, and that are decoded
# What a file of each format begins with. The refused ones are there to be named.
_MAGIC = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("BMP", rb"BM"),
    ("WebP", rb"RIFF....WEBP"),
    ("TIFF", rb"II[*+]\0|MM\0[*+]"),
    ("GIF", rb"GIF8[79]a"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("JPEG XL", rb"\0\0\0\x0cJXL |\xff\x0a"),
    ("AVIF", rb"....ftypavi[fs]"),
    ("HEIF", rb"....ftyp(?:hei|hev|mif1|msf1)"),
    ("PNM", rb"P[1-7]\s"),
    ("PFM", rb"P[Ff]\s"),
    ("Radiance HDR", rb"#\?R(?:ADIANCE|GBE)"),
    ("OpenEXR", rb"v/1\x01"),
    ("Sun raster", rb"\x59\xa6\x6a\x95"),
    ("PDF", rb"%PDF-"),
)
_FORMATS = [(name, re.compile(magic, re.DOTALL).match) for name, magic in _MAGIC]

JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF markers
JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
JPEG_ENDS = frozenset({0xD8, 0xD9, 0xDA})  # a second start, the end, pixels: no size came before
# Bytes between segments that are searched for the next marker, all gaps of a file together, and
# segments before the size, which are stepped over whatever their length. A JPEG has no such bytes,
# and a few dozen segments where a large colour profile comes first.
MAX_FILL = 256 << 10
MAX_SEGMENTS = 1000
_MARKER = re.compile(rb"\xff([^\x00\xff])").search
_LENGTH = struct.Struct(">H").unpack_from
_TWO = struct.Struct(">HH").unpack_from
SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
EXIF_ORIENTATION = 0x0112


def image_format(data: bytes) -> str | None:
    """Returns the name of the format that the bytes begin like, or None where it is unknown."""
    return next((name for name, match in _FORMATS if match(data)), None)


def image_size(data: bytes) -> tuple[int, int] | None:
    """Returns (width, height) in pixels, or None where the format is not accepted or damaged.

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
    kind = image_format(data)
    if kind == "JPEG":
        return _jpeg(data)
    if kind == "PNG":
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if kind == "BMP":
        return _bmp(data)
    if kind == "WebP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Walks the segments up to the frame header, over stray bytes as libjpeg does."""
    position, sideways, searched = 2, False, 0
    for _ in range(MAX_SEGMENTS):
        match = _MARKER(data, position, position + MAX_FILL - searched)
        if match is None:
            return None
        searched += match.start() - position
        position, marker = match.end(), data[match.end() - 1]
        if marker in JPEG_BARE:
            continue
        (length,) = _LENGTH(data, position)
        if marker in JPEG_SIZES:
            height, width = _TWO(data, position + 3)
            return (height, width) if sideways else (width, height)
        if marker in JPEG_ENDS or length < 2:
            return None
        if marker == 0xE1:
            sideways = _orientation(data[position + 2 : position + length]) in SIDEWAYS
        position += length
    return None


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
