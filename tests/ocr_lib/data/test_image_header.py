"""Sizes read from headers equal those of decoded images."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr_lib.data.image import decode_image
from ocr_lib.data.image_header import image_size

SAMPLE = np.arange(31 * 17 * 3, dtype=np.uint8).reshape(17, 31, 3)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp"])
def test_size_of_what_opencv_writes(kind: str) -> None:
    assert image_size(cv2.imencode(kind, SAMPLE)[1].tobytes()) == (31, 17)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True, "icc_profile": b"x" * 70_000, "comment": b"hello"}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 80}),
        ("WEBP", {"quality": 80, "exif": b"Exif\0\0MM"}),
    ],
)
def test_size_of_what_pillow_writes(kind: str, options: dict[str, object]) -> None:
    file = io.BytesIO()
    Image.fromarray(SAMPLE).save(file, kind, **options)
    assert image_size(file.getvalue()) == (31, 17)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured_as_the_decoder_does(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(SAMPLE).save(file, "JPEG", exif=exif)
    data = file.getvalue()
    assert image_size(data) == decode_image(data).shape[1::-1]


@given(st.sampled_from([".jpg", ".png", ".bmp", ".webp"]), st.data())
def test_damage_never_raises(kind: str, data: st.DataObject) -> None:
    image = bytearray(cv2.imencode(kind, SAMPLE)[1].tobytes())
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(st.integers(0, min(len(image) - 1, 64)))] = data.draw(st.integers(0, 255))
    image_size(bytes(image[: data.draw(st.integers(0, len(image)))]))


@given(st.binary(max_size=64))
def test_noise_has_no_size_or_a_positive_one(data: bytes) -> None:
    for start in (b"", b"BM", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"):
        size = image_size(start + data)
        assert size is None or min(size) > 0
