"""Pillow's Lanczos filter, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocr_lib.data import lanczos
from tests.ocr_lib.data.pictures import RNG


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 60))
def test_lanczos_is_pillows(width: int, height: int) -> None:
    image = RNG.integers(0, 256, (height, width), np.uint8)
    pillow = Image.fromarray(image)
    steps = pillow.resize((100, height), Image.Resampling.LANCZOS)
    steps = steps.resize((100, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(lanczos.resize(image, 100, 32), np.asarray(steps))


def test_a_size_that_is_kept_keeps_every_pixel() -> None:
    image = RNG.integers(0, 256, (32, 100), np.uint8)
    assert lanczos.resize(image, 100, 32) is image


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_flat_image_stays_flat(level: int) -> None:
    image = np.full((7, 300), level, np.uint8)
    assert np.array_equal(lanczos.resize(image, 100, 32), np.full((32, 100), level, np.uint8))
