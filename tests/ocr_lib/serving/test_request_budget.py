"""Budgets of a request: in which order they are checked, and what they count."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.image import Preprocess
from ocr_lib.inference.tiling import max_tiles, split
from ocr_lib.serving.limits import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, MAX_IMAGES, RequestLimits
from ocr_lib.serving.request_budget import RequestError, check_request

PREPROCESS = Preprocess(48, (96, 320, 960))


def png(width: int, height: int) -> bytes:
    return bytes(cv2.imencode(".png", np.full((height, width), 255, np.uint8))[1])


def check(images: Sequence[bytes], limits: RequestLimits | None = None) -> None:
    limits = limits or RequestLimits()
    check_request(images, limits, PREPROCESS, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS)


def test_lines_of_text_fit() -> None:
    check([png(320, 48)] * MAX_IMAGES)
    check([png(960 * 2, 48)] * MAX_IMAGES)
    check([])


def test_a_few_bytes_of_very_wide_lines_are_refused() -> None:
    """4000 x 2 px in some hundred bytes takes 47 runs of the network."""
    line = png(4000, 2)
    assert len(line) < 200
    assert len(split(np.full((2, 4000, 3), 255, np.uint8), PREPROCESS)) > 40
    check([line])
    with pytest.raises(
        RequestError,
        match=r"^OCR_TRITON_MAX_REQUEST_TILES: the request is over its limit of 256 tiles: its "
        r"images have 992\. Send fewer images in a request, or set OCR_TRITON_MAX_REQUEST_TILES",
    ):
        check([line] * MAX_IMAGES)


def test_a_tall_line_costs_what_it_costs_lying_down() -> None:
    turning = Preprocess(48, (96, 320, 960), turn_tall=True)
    assert max_tiles(32, 8000, PREPROCESS) == 1
    assert max_tiles(32, 8000, turning) == max_tiles(8000, 32, turning) > 10
    assert max_tiles(64, 96, turning) == 1
    line = png(2, 4000)
    check_request([line] * MAX_IMAGES, RequestLimits(), PREPROCESS, MAX_IMAGE_BYTES, 10**6)
    with pytest.raises(RequestError, match="over its limit of 256 tiles: its images have 992"):
        check_request([line] * MAX_IMAGES, RequestLimits(), turning, MAX_IMAGE_BYTES, 10**6)


def test_an_image_narrower_than_the_least_tile_is_one() -> None:
    assert max_tiles(4, 1, Preprocess(32, (64,))) == 1


def test_pixels_are_counted_from_the_headers() -> None:
    with pytest.raises(RequestError, match=r"over its limit of 67,108,864 pixels: .* 80,000,000"):
        check([png(4000, 4000)[:64]] * 5)
    check([png(4097, 4097)[:64]] * 5)  # each of them fails alone, undecoded


def test_bytes_come_before_any_header() -> None:
    """A range has a length and no content to look at."""
    unreadable: Any = range(5_000_000)
    with pytest.raises(RequestError, match=r"over its limit of 67,108,864 bytes: .* 80,000,000"):
        check([unreadable] * 16)
    with pytest.raises(TypeError):
        check([unreadable])


def test_the_order_is_bytes_pixels_tiles() -> None:
    image = png(4000, 2)
    limits = {"bytes": 10, "pixels": 10, "tiles": 10}
    for limit in limits:
        with pytest.raises(RequestError, match=f"over its limit of 10 {limit}"):
            check([image], RequestLimits(*limits.values()))
        limits[limit] = 10**6
    check([image], RequestLimits(*limits.values()))


@given(
    st.integers(1, 3000),
    st.integers(1, 40),
    st.sampled_from([(64,), (96, 320), (960,)]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_no_image_has_more_tiles_than_its_size_says(
    width: int, height: int, buckets: tuple[int, ...], standing: bool, turn_tall: bool, seed: int
) -> None:
    preprocess = Preprocess(32, buckets, turn_tall=turn_tall)
    if standing:
        width, height = height, width
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    assert len(split(preprocess.turned(image), preprocess)) <= max_tiles(width, height, preprocess)
