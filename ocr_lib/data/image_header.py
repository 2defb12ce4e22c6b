"""An encoded image's format, width and height, read from its bytes without decoding it.

Twenty times cheaper than decoding, and safe on hostile input: a file that claims to be huge is
refused before any pixel is allocated, and a format whose size is not read here is never decoded.
Sizes are those that `decode_image` returns: both honour the EXIF orientation that
`ocr_lib.data.exif` reads.
"""

import re
import struct

from ocr_lib.data.exif import SIDEWAYS, orientation
from ocr_lib.data.image_chunks import jpeg_segments, png_chunks, webp_chunks

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
_TWO = struct.Struct(">HH").unpack_from
TIFF = 42  # its magic number
MAX_PAGES = 1000


def image_format(data: bytes) -> str | None:
    """Returns the name of the format that the bytes begin like, or None where it is unknown."""
    return next((name for name, match in _FORMATS if match(data)), None)


def image_size(data: bytes) -> tuple[int, int] | None:
    """Returns (width, height) in pixels, or None where the format is not accepted or damaged.

    Args:
        data: the whole file; an orientation may be noted after the pixels.
    """
    kind = image_format(data)
    try:
        size = _stored_size(data, kind)
    except (struct.error, IndexError):  # the header ends too soon
        return None
    if size is None or min(size) <= 0:
        return None
    return size[::-1] if orientation(data, kind) in SIDEWAYS else size


def frame_count(data: bytes) -> int:
    """Returns how many images a file holds: frames of an animation, or pages of a TIFF."""
    kind = image_format(data)
    if kind == "PNG" and b"acTL" in data:
        frames = sum(name == b"fcTL" for name, _, _ in png_chunks(data))
    elif kind == "WebP" and b"ANMF" in data:
        frames = sum(name == b"ANMF" for name, _, _ in webp_chunks(data))
    elif kind == "TIFF":
        frames = _tiff_pages(data)
    else:
        return 1
    return max(1, frames)


def has_alpha_or_16_bits(data: bytes) -> bool:
    """Returns whether an image has an alpha channel, a transparent colour or 16 bits a channel."""
    kind = image_format(data)
    if kind == "PNG":
        depth, colour = data[24:26]
        if depth == 16 or colour in (4, 6):
            return True
        return b"tRNS" in data and any(name == b"tRNS" for name, _, _ in png_chunks(data))
    if kind == "BMP":
        return data[28:30] == b"\x20\0"  # 32 bits a pixel
    return kind == "WebP"  # in one of four places: the decoder looks


def grey_key(data: bytes) -> int | None:
    """Returns the grey value that a PNG declares transparent, 0..255 or 0..65535; None without.

    OpenCV honours the transparent colour of colour images and palettes only.
    """
    if image_format(data) != "PNG" or data[25] != 0:
        return None
    for name, start, end in png_chunks(data):
        if name == b"tRNS" and end - start == 2:
            depth = data[24]
            key = int.from_bytes(data[start:end], "big")
            return key if depth == 16 else key * 255 // ((1 << depth) - 1)
    return None


def _stored_size(data: bytes, kind: str | None) -> tuple[int, int] | None:
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
    for marker, start, _ in jpeg_segments(data):
        if marker in JPEG_SIZES:
            height, width = _TWO(data, start + 1)
            return width, height
    return None


def _tiff_pages(data: bytes) -> int:
    """Counts the directories of a TIFF (not of a BigTIFF, whose offsets are longer)."""
    order = "<" if data.startswith(b"II") else ">"
    pages = 0
    try:
        magic, offset = struct.unpack_from(f"{order}HI", data, 2)
        while magic == TIFF and offset and pages < MAX_PAGES:
            (entries,) = struct.unpack_from(f"{order}H", data, offset)
            pages += 1
            (offset,) = struct.unpack_from(f"{order}I", data, offset + 2 + 12 * entries)
    except struct.error:
        pass
    return pages


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
