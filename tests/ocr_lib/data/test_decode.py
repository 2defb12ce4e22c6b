"""From encoded bytes to pixels, within limits."""

import cv2
import numpy as np
import pytest

from ocr_lib.data.colour import is_single_colour
from ocr_lib.data.decode import MAX_BYTES, check_image
from ocr_lib.data.image import decode_image
from ocr_lib.errors import ImageError, ImageFormatError, SingleColourError
from tests.ocr_lib.data.image_files import animated
from tests.ocr_lib.data.pictures import picture


def encoded(width: int, height: int, kind: str = ".jpg") -> bytes:
    return cv2.imencode(kind, picture(width, height))[1].tobytes()


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp"])
def test_decodes_to_bgr(kind: str) -> None:
    image = decode_image(encoded(37, 19, kind))
    assert image.shape == (19, 37, 3)
    assert image.dtype == np.uint8


def test_grey_and_alpha_become_three_channels() -> None:
    grey = cv2.imencode(".png", np.full((5, 9), 60, np.uint8))[1].tobytes()
    alpha = cv2.imencode(".png", np.full((5, 9, 4), 60, np.uint8))[1].tobytes()
    assert decode_image(grey).shape == decode_image(alpha).shape == (5, 9, 3)


@pytest.mark.parametrize("data", [b"", b"word_1.jpg", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" * 9])
def test_undecodable_bytes_are_named(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"labels\.txt:3: "):
        decode_image(data, "labels.txt:3")


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = bytearray(encoded(8, 8, ".png"))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError, match="60000x60000 pixels"):
        decode_image(bytes(bomb))


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageError, match=r"more than 33,554,432 bytes"):
        decode_image(b"\xff\xd8" + bytes(MAX_BYTES))


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("WEBP", {"duration": 40}), ("WEBP", {"lossless": True})]
)
def test_an_animation_is_refused_with_its_frames(kind: str, options: dict[str, object]) -> None:
    data = animated(kind, **options)
    for decode in (decode_image, check_image):
        with pytest.raises(ImageError, match=r"^a\.x: an animated \w+ of 3 frames"):
            decode(data, "a.x")


def test_a_tiff_of_several_pages_is_refused_by_its_pages() -> None:
    for pages, what in ((1, "the image"), (2, "each of its 2 pages"), (5, "each of its 5 pages")):
        with pytest.raises(ImageFormatError, match=f"convert {what} to JPEG"):
            decode_image(animated("TIFF", pages))


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize("colour", [0, 128, 255])
def test_an_image_of_a_single_colour_is_no_sample(kind: str, colour: int) -> None:
    plain = np.full((24, 90, 3), colour, np.uint8)
    with pytest.raises(SingleColourError, match="single colour"):
        check_image(cv2.imencode(kind, plain)[1].tobytes(), "a.x")


def test_colours_that_are_transparent_are_no_sample() -> None:
    hidden = np.dstack([picture(90, 24), np.zeros((24, 90), np.uint8)])
    data = cv2.imencode(".png", hidden)[1].tobytes()
    assert is_single_colour(decode_image(data))  # what the recogniser refuses
    with pytest.raises(SingleColourError, match="single colour"):
        check_image(data, "a.png")


def test_a_fine_stroke_or_opaque_ink_is_a_sample() -> None:
    fine = np.full((24, 90, 3), 255, np.uint8)
    fine[7, 3] = 0
    ink = np.zeros((24, 90, 4), np.uint8)
    ink[4:9, 10:60, 3] = 255
    for pixels in (fine, ink):
        assert check_image(cv2.imencode(".png", pixels)[1].tobytes(), "a.x") == (90, 24)
