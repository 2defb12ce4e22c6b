"""Whether a request fits its limits, told before any of its images is decoded.

The order is that of the costs: bytes are counted before a header is looked at, pixels and tiles
follow from the headers, and only then is anything decoded.
"""

from collections.abc import Sequence

from ocr_lib.data.image import Preprocess
from ocr_lib.data.image_header import image_size
from ocr_lib.errors import UserError
from ocr_lib.inference.tiling import max_tiles
from ocr_lib.serving.limits import REFUSAL, RequestLimits, setting


class RequestError(UserError):
    """A request holds more than one may."""


def check_request(
    images: Sequence[bytes],
    limits: RequestLimits,
    preprocess: Preprocess,
    max_image_bytes: int,
    max_image_pixels: int,
) -> None:
    """Checks the images of one request: their bytes first, then pixels, then tiles.

    Images that fail alone (too large each, damaged, of a format that is not accepted) cost nothing
    more than their bytes.

    Args:
        images: encoded files.
        limits: of the request.
        preprocess: of the network; its widest bucket is what a tile can hold.
        max_image_bytes: an image of more fails alone.
        max_image_pixels: an image whose header claims more fails alone.

    Raises:
        RequestError: the request is over a limit; says which, its value and the variable that
            sets it.
    """
    _check("bytes", sum(map(len, images)), limits.max_bytes)
    sizes = [
        size
        for image in images
        if len(image) <= max_image_bytes
        and (size := image_size(image)) is not None
        and size[0] * size[1] <= max_image_pixels
    ]
    _check("pixels", sum(width * height for width, height in sizes), limits.max_pixels)
    _check("tiles", sum(max_tiles(*size, preprocess) for size in sizes), limits.max_tiles)


def _check(limit: str, value: int, maximum: int) -> None:
    if value > maximum:
        raise RequestError(
            setting(limit),
            f"{REFUSAL} of {maximum:,} {limit}: its images have {value:,}",
            f"Send fewer images in a request, or set {setting(limit)} where the server runs",
        )
