"""The noted orientation, wherever a format keeps it, and the same for header and decoder."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from ocr_lib.data.exif import orientation, upright
from ocr_lib.data.image import decode_image
from ocr_lib.data.image_header import image_format, image_size
from tests.ocr_lib.data.image_files import (
    COLOUR,
    PIXELS,
    XMP,
    chunk,
    exif_segment,
    jpeg,
    png,
    segment,
    tiff,
    webp,
)

BROKEN = exif_segment(b"II*\0\xff\xff\xff\xff")
FILES = {
    "JPEG, EXIF then XMP": jpeg(exif_segment(tiff(6)) + XMP),
    "JPEG, XMP then EXIF": jpeg(XMP + exif_segment(tiff(8, ">"))),
    "JPEG, EXIF after a comment and a profile": jpeg(
        segment(0xFE, b"hello") + segment(0xE2, b"ICC_PROFILE\0" * 9) + exif_segment(tiff(5))
    ),
    "JPEG, EXIF behind the tables": jpeg(late=exif_segment(tiff(7))),
    "JPEG, two notes: the first counts": jpeg(exif_segment(tiff(6)) + exif_segment(tiff(1))),
    "JPEG, a broken note first": jpeg(BROKEN + exif_segment(tiff(6))),
    "JPEG, the note is a long": jpeg(exif_segment(tiff(8, ">", kind=4))),
    "PNG, before the pixels": png(chunk(b"eXIf", tiff(6))),
    "PNG, after the pixels": png(after=chunk(b"eXIf", tiff(8, ">"))),
    "WebP": webp(tiff(6)),
    "WebP, with a JPEG's prefix": webp(b"Exif\0\0" + tiff(5, ">")),
    "WebP, lossless": webp(tiff(8), lossless=True),
}
UPRIGHT = {
    "JPEG, no such orientation": jpeg(exif_segment(tiff(9))),
    "JPEG, orientation 0": jpeg(exif_segment(tiff(0))),
    "JPEG, cut note": jpeg(exif_segment(tiff(6)[:20])),
    "JPEG, the words in a comment": jpeg(segment(0xFE, b"Exif\0\0" + tiff(6))),
    "PNG, the name within another chunk": png(chunk(b"tEXt", b"Comment\0eXIf" + tiff(6))),
    "PNG, no byte order": png(chunk(b"eXIf", b"??" + tiff(6)[2:])),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_header_and_decoder_agree_on_an_image_that_lies_on_its_side(data: bytes) -> None:
    height, width = PIXELS.shape
    assert image_size(data) == (height, width)
    assert decode_image(data).shape == (width, height, 3)


@pytest.mark.parametrize("data", UPRIGHT.values(), ids=UPRIGHT)
def test_what_is_no_note_turns_nothing(data: bytes) -> None:
    assert image_size(data) == PIXELS.shape[::-1]
    assert decode_image(data).shape == COLOUR.shape


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_every_orientation_is_turned_as_pillow_turns_it(value: int, order: str) -> None:
    for data in (
        jpeg(exif_segment(tiff(value, order))),
        png(chunk(b"eXIf", tiff(value, order))),
        webp(tiff(value, order)),
    ):
        assert orientation(data, image_format(data)) == value
        image = Image.fromarray(COLOUR)
        image.getexif()[0x0112] = value
        right = np.asarray(ImageOps.exif_transpose(image))
        turned = upright(COLOUR, value)
        np.testing.assert_array_equal(turned, right)
        assert turned.flags.c_contiguous
        decoded = decode_image(data)
        assert decoded.shape[1::-1] == image_size(data)
        np.testing.assert_allclose(decoded, right, atol=60)  # lossy at the edges


def test_the_result_does_not_depend_on_what_opencv_does_with_notes() -> None:
    data = png(chunk(b"eXIf", tiff(6)))
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_IGNORE_ORIENTATION | 1)
    np.testing.assert_array_equal(decode_image(data), upright(stored, 6))
