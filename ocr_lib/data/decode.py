"""From encoded bytes to pixels, within limits that are checked before anything is decoded."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.colour import Image, is_single_colour, to_bgr
from ocr_lib.data.exif import orientation, upright
from ocr_lib.data.image_header import (
    ACCEPTED,
    frame_count,
    grey_key,
    has_alpha_or_16_bits,
    image_format,
    image_size,
)
from ocr_lib.errors import ImageError, ImageFormatError, SingleColourError
from ocr_lib.opencv import MAX_PIXELS, cv2

MAX_BYTES = 32 << 20
SINGLE_COLOUR = "the image has a single colour: there is nothing to read on it"


def decode_image(data: bytes, where: str = "image") -> Image:
    """Decodes an image file's bytes to uint8 BGR [H, W, 3], upright by its EXIF orientation.

    Transparent images are put on white (on black where their ink is light), 16-bit ones scaled by
    the range that they use.

    Args:
        data: JPEG, PNG, BMP or WebP.
        where: the file (and line) that an error names.

    Raises:
        ImageFormatError: an image of another format.
        ImageError: there are no bytes, too many bytes or pixels, or no whole image in them.

    Source: PaddleOCR `DecodeImage`; unlike it, size limits are checked before decoding, and alpha,
    16 bits and orientations do not depend on OpenCV's version.
    """
    size = check_size(data, where)
    kind = image_format(data)
    if has_alpha_or_16_bits(data):
        pixels = _decoded(data, cv2.IMREAD_UNCHANGED, where)
        if kind == "BMP" and pixels.ndim == 3 and not pixels[..., 3:].any():
            pixels = pixels[..., :3]  # its fourth channel is not used
        image = to_bgr(pixels, grey_key(data))
    else:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        image = np.asarray(_decoded(data, flags, where), np.uint8)
    image = upright(image, orientation(data, kind))
    if image.shape[1::-1] != size:
        raise _damaged(data, where)
    return image


def check_image(data: bytes, where: str) -> tuple[int, int]:
    """Returns (width, height) in px of bytes that hold a whole image, at two thirds of the cost.

    An image with alpha or of 16 bits is decoded in full: what it shows is known only then.

    An eighth-size grey decode reads every byte that the full one reads, and refuses exactly the
    same damage. A JPEG without its end marker is refused too: its tail was lost or zeroed, and
    the decoder sometimes fills in grey for it.

    Raises:
        SingleColourError: all its pixels are equal.
        ImageError: as `decode_image`, or the JPEG was cut short.
    """
    size = check_size(data, where)
    flags = cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decoded(data, flags, where)
    if data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < 0:
        raise _damaged(data, where)
    # What looks plain in small may have fine strokes, or ink that only its opacity shows, and what
    # does not may have its colours where it is transparent.
    unsure = image.min() == image.max() or has_alpha_or_16_bits(data)
    if unsure and is_single_colour(decode_image(data, where)):
        raise SingleColourError(where, SINGLE_COLOUR, "Replace the image or remove its line")
    return size


def _decoded(data: bytes, flags: int, where: str) -> NDArray[Any]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise _damaged(data, where)
    return np.asarray(image)


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
        ImageError: empty, animated, too many bytes or pixels, or a damaged header.
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
    if (frames := frame_count(data)) > 1:
        cause = f"an animated {image_format(data)} of {frames} frames, of which one would be read"
        raise ImageError(where, cause, "Save each frame that has text as an image of its own")
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
    pages = frame_count(data)
    what = f"each of its {pages} pages" if pages > 1 else "the image"
    cause = f"{kind} is not accepted: convert {what} to {accepted}"  # where only this is shown
    return ImageFormatError(where, cause, "Or remove its line")


def _damaged(data: bytes, where: str) -> ImageError:
    cause = f"a damaged {image_format(data)} image ({len(data):,} bytes)"
    return ImageError(where, cause, "Replace the file or remove its line")
