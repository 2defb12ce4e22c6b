"""From encoded bytes to pixels, within limits that are checked before anything is decoded."""

import os

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image_header import image_size
from ocr_lib.errors import ImageError

MAX_BYTES = 32 << 20
MAX_PIXELS = 1 << 24
# Both are read when cv2 is loaded. What it warns of, our errors say with the file's name.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")

import cv2  # noqa: E402

Image = NDArray[np.uint8]


def decode_image(data: bytes, where: str = "image") -> Image:
    """Decodes an image file's bytes to uint8 BGR [H, W, 3], upright by its EXIF orientation.

    Args:
        data: JPEG, PNG, BMP, WebP or what else OpenCV reads.
        where: the file (and line) that an error names.

    Raises:
        ImageError: there are no bytes, too many bytes or pixels, or no image in them.

    Source: PaddleOCR `DecodeImage`; unlike it, size limits are checked before decoding.
    """
    check_size(data, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise undecodable(data, where)
    return np.asarray(image, np.uint8)


def check_image(data: bytes, where: str) -> tuple[int, int]:
    """Returns (width, height) in px of bytes that hold a whole image, at two thirds of the cost.

    An eighth-size grey decode reads every byte that the full one reads, and refuses exactly the
    same damage. A JPEG without its end marker is refused too: its tail was lost or zeroed, and
    the decoder sometimes fills in grey for it.

    Raises:
        ImageError: as `decode_image`, or the JPEG was cut short.
    """
    size = check_size(data, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    except cv2.error:
        image = None
    cut = data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < 0
    if image is None or cut:
        raise undecodable(data, where)
    if size is None:  # a format whose header is not parsed here
        rows, columns = decode_image(data, where).shape[:2]
        return columns, rows
    return size


def check_size(data: bytes, where: str) -> tuple[int, int] | None:
    """Returns (width, height) from the header, None where it is not known.

    Raises:
        ImageError: empty, or more than `MAX_BYTES` or `MAX_PIXELS`.
    """
    if not data:
        raise ImageError(where, "the image is empty", "Replace the file or remove its line")
    if len(data) > MAX_BYTES:
        raise ImageError(
            where,
            f"the image has {len(data):,} bytes, more than {MAX_BYTES:,}",
            "Crop it to the text line",
        )
    size = image_size(data)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise ImageError(
            where,
            f"the image claims {size[0]}x{size[1]} pixels, more than {MAX_PIXELS:,} in all",
            "Crop it to the text line",
        )
    return size


def undecodable(data: bytes, where: str) -> ImageError:
    """Returns the error for bytes that hold no whole image."""
    kind = "a damaged image" if image_size(data) else "not an image that OpenCV reads"
    return ImageError(where, f"{kind} ({len(data):,} bytes)", "Replace the file or remove its line")
