"""Alpha, 16 bits and single colours."""

import struct

import cv2
import numpy as np
import pytest

from ocr_lib.data.colour import is_single_colour, to_bgr
from ocr_lib.data.image import decode_image
from tests.ocr_lib.data.image_files import chunk, raw_png

STROKES = np.zeros((20, 60), np.uint8)  # opacity of something drawn
STROKES[6:14, 5:50:9] = 255
STROKES[6:14, 6:50:9] = 120  # a soft edge
INK = STROKES == 255


def drawn(colour: tuple[int, int, int], kind: str = ".png") -> np.ndarray:
    """Returns ink of a colour on transparent ground, through a file."""
    pixels = np.dstack([np.full((20, 60, 3), colour, np.uint8), STROKES])
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if kind == ".webp" else []
    return decode_image(cv2.imencode(kind, pixels, options)[1].tobytes())


@pytest.mark.parametrize("kind", [".png", ".webp"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (120, 20, 20), (30, 60, 160)])
def test_dark_ink_is_put_on_white(kind: str, colour: tuple[int, int, int]) -> None:
    image = drawn(colour, kind)
    assert (image[INK] == colour).all()
    assert (image[STROKES == 0] == 255).all()


@pytest.mark.parametrize("kind", [".png", ".webp"])
@pytest.mark.parametrize("colour", [(255, 255, 255), (120, 240, 250), (200, 200, 200)])
def test_light_ink_is_put_on_black(kind: str, colour: tuple[int, int, int]) -> None:
    image = drawn(colour, kind)
    assert (image[INK] == colour).all()
    assert (image[STROKES == 0] == 0).all()


def test_a_light_card_with_dark_text_stays_on_white() -> None:
    pixels = np.full((30, 90, 4), 255, np.uint8)
    pixels[:3, :, 3] = 0  # a transparent margin
    pixels[10:20, 10:80:6, :3] = 0
    image = to_bgr(pixels)
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[12, 10].tolist() == [0, 0, 0]


def test_an_opaque_image_is_left_as_it_is() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 14, 4), np.uint8)
    pixels[..., 3] = 255
    for kind in (".png", ".bmp"):
        image = decode_image(cv2.imencode(kind, pixels)[1].tobytes())
        np.testing.assert_array_equal(image, pixels[..., :3])


def test_an_unused_fourth_channel_of_a_bmp_is_no_alpha() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 14, 4), np.uint8)
    pixels[..., 3] = 0
    image = decode_image(cv2.imencode(".bmp", pixels)[1].tobytes())
    np.testing.assert_array_equal(image, pixels[..., :3])


PALETTE = chunk(b"PLTE", bytes([10, 20, 30, 0, 0, 0]))


@pytest.mark.parametrize(
    "data",
    [
        raw_png([bytes([90, 90, 7, 90])] * 3, 4, 8, 0, chunk(b"tRNS", struct.pack(">H", 90))),
        raw_png([b"\x55"] * 3, 4, 2, 0, chunk(b"tRNS", struct.pack(">H", 1))),
        raw_png([bytes([9, 9, 9, 1, 2, 3] * 2)] * 3, 4, 8, 2, chunk(b"tRNS", b"\0\x09" * 3)),
        raw_png([bytes([1, 1, 0, 1])] * 3, 4, 8, 3, PALETTE + chunk(b"tRNS", b"\xff\0")),
        raw_png([bytes([0, 0, 5, 255] * 2)] * 3, 4, 8, 4),
    ],
    ids=["grey", "grey of 2 bits", "colour", "palette", "grey with alpha"],
)
def test_every_way_a_png_declares_transparency_is_honoured(data: bytes) -> None:
    assert decode_image(data)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_values_are_scaled_by_the_bits_they_use(bits: int, channels: int) -> None:
    grey = np.tile(np.linspace(20, 250, 60).astype(np.uint8), (20, 1))
    plain = np.dstack([grey] * 3)
    wide = (plain.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    image = decode_image(cv2.imencode(".png", wide if channels == 3 else wide[..., 0])[1].tobytes())
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, plain, atol=1)


def test_a_narrow_range_of_16_bits_is_stretched() -> None:
    pixels = np.full((12, 40), 41_000, np.uint16)
    pixels[3:9, 5:30:4] = 40_000
    image = decode_image(cv2.imencode(".png", pixels)[1].tobytes())
    assert (int(image.min()), int(image.max())) == (0, 255)


def test_16_bits_with_alpha() -> None:
    pixels = np.zeros((12, 40, 4), np.uint16)
    pixels[3:9, 5:30:4, 3] = 65_535
    image = decode_image(cv2.imencode(".png", pixels)[1].tobytes())
    assert image[0, 0].tolist() == [255] * 3
    assert image[4, 5].tolist() == [0] * 3


def test_single_colours_are_told_from_one_pixel_of_another() -> None:
    image = np.full((9, 30, 3), (4, 90, 200), np.uint8)
    assert is_single_colour(image)
    for position in ((0, 0), (4, 7), (8, 29)):
        spotted = image.copy()
        spotted[position][1] += 1
        assert not is_single_colour(spotted)
