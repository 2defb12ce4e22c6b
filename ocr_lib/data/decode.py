"""From encoded bytes to pixels, within limits that are checked before anything is decoded."""

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image_header import ACCEPTED, image_format, image_size
from ocr_lib.errors import ImageError, ImageFormatError
from ocr_lib.opencv import MAX_PIXELS, cv2

MAX_BYTES = 32 << 20

Image = NDArray[np.uint8]


def decode_image(data: bytes, where: str = "image") -> Image:
    """Decodes an image file's bytes to uint8 BGR [H, W, 3], upright by its EXIF orientation.

    Args:
        data: JPEG, PNG, BMP or WebP.
        where: the file (and line) that an error names.

    Raises:
        ImageFormatError: an image of another format.
        ImageError: there are no bytes, too many bytes or pixels, or no whole image in them.

    Source: PaddleOCR `DecodeImage`; unlike it, size limits are checked before decoding.
    """
    check_size(data, where)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise _damaged(data, where)
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
        raise _damaged(data, where)
    return size


def check_size(
    data: bytes, where: str, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> tuple[int, int]:
    """Returns (width, height) from the header of an image that may be decoded.

    Args:
        data: the encoded file.
        where: the file (and line) that an error names.
        max_bytes: of the file.
        max_pixels: of the image.

    Raises:
        ImageFormatError: an image of a format that is not accepted.
        ImageError: empty, too many bytes or pixels, or a damaged header.
    """
    if not data:
        raise ImageError(where, "the image is empty", "Replace the file or remove its line")
    if len(data) > max_bytes:  # before any other look at them
        raise ImageError(
            where, f"the image has more than {max_bytes:,} bytes", "Crop it to the text line"
        )
    size = image_size(data)
    if size is None:
        raise _unsized(data, where)
    if size[0] * size[1] > max_pixels:
        raise ImageError(
            where,
            f"the image claims {size[0]}x{size[1]} pixels, more than {max_pixels:,} in all",
            "Crop it to the text line",
        )
    return size


def _unsized(data: bytes, where: str) -> ImageError:
    """Returns the error for bytes whose header gives no size."""
    kind = image_format(data)
    if kind in ACCEPTED:
        return _damaged(data, where)
    if kind is None:
        cause = f"not an image of a known format ({len(data):,} bytes)"
        return ImageError(where, cause, "Replace the file or remove its line")
    accepted = f"{', '.join(ACCEPTED[:-1])} or {ACCEPTED[-1]}"
    cause = f"{kind} is not accepted: convert the image to {accepted}"  # where only this is shown
    return ImageFormatError(where, cause, "Or remove its line")


def _damaged(data: bytes, where: str) -> ImageError:
    cause = f"a damaged {image_format(data)} image ({len(data):,} bytes)"
    return ImageError(where, cause, "Replace the file or remove its line")
