"""The orientation that a camera or scanner noted in an image, and turning the image by it.

Read here and not by OpenCV: which of a file's notes OpenCV honours changes from version to version
(5.0 reads those of PNG and WebP, 4.11 does not), and the size that is read from a header must be
the size of the image that is decoded.

Source: CIPA DC-008 (Exif 2.32) for the tag; the specifications of JPEG, PNG (eXIf) and WebP for
where it is.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image_chunks import jpeg_segments, png_chunks, webp_chunks

UPRIGHT = 1
SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that swap width and height
_TAG = 0x0112
_VALUES = {1: "B", 3: "H", 4: "I"}  # TIFF types: byte, short, long
_PREFIX = b"Exif\0\0"
_APP1 = 0xE1


def orientation(data: bytes, kind: str | None) -> int:
    """Returns an image's orientation, 1 to 8; 1 (upright) where none is noted.

    Of several notes the first that can be read counts.

    Args:
        data: the file.
        kind: its format, as `image_format` names it.
    """
    if kind == "JPEG":
        parts = [
            (start, end)
            for marker, start, end in jpeg_segments(data)
            if marker == _APP1 and data.startswith(_PREFIX, start)
        ]
    elif kind == "PNG" and b"eXIf" in data:
        parts = [(start, end) for name, start, end in png_chunks(data) if name == b"eXIf"]
    elif kind == "WebP" and b"EXIF" in data:
        parts = [(start, end) for name, start, end in webp_chunks(data) if name == b"EXIF"]
    else:
        return UPRIGHT
    values = (_noted(data[start:end].removeprefix(_PREFIX)) for start, end in parts)
    return next((value for value in values if value), UPRIGHT)


def upright(image: NDArray[np.uint8], noted: int) -> NDArray[np.uint8]:
    """Turns an image, [H, W, …], that is stored in an orientation."""
    if noted in SIDEWAYS:
        image = image.swapaxes(0, 1)
    flip_rows, flip_columns = noted in (3, 4, 7, 8), noted in (2, 3, 6, 7)
    image = image[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return np.ascontiguousarray(image)


def _noted(tiff: bytes) -> int | None:
    """Returns the orientation in the first directory of a TIFF structure; None without a valid."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == _TAG and kind in _VALUES:
                (value,) = struct.unpack_from(order + _VALUES[kind], tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else None
    except struct.error:
        pass
    return None
