"""The numbers of a request's limits, and what is said of them."""

import re
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.inference.tiling import MAX_PIECES
from ocr_lib.serving.limits import (
    MAX_IMAGE_BYTES,
    MAX_IMAGE_PIXELS,
    MAX_IMAGES,
    RequestLimits,
    setting,
)


def test_the_environment_sets_each_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RequestLimits.from_env() == RequestLimits()
    monkeypatch.setenv("OCR_TRITON_MAX_REQUEST_TILES", "9")
    monkeypatch.setenv("OCR_TRITON_MAX_REQUEST_BYTES", "1000")
    assert RequestLimits.from_env() == RequestLimits(1000, RequestLimits.max_pixels, 9)
    monkeypatch.setenv(setting("pixels"), "many")
    with pytest.raises(ConfigError, match="OCR_TRITON_MAX_REQUEST_PIXELS: 'many'"):
        RequestLimits.from_env()


def test_any_image_that_is_accepted_fits_a_request_alone() -> None:
    assert RequestLimits.max_bytes >= MAX_IMAGE_BYTES
    assert RequestLimits.max_pixels >= MAX_IMAGE_PIXELS
    assert RequestLimits.max_tiles >= MAX_PIECES + 1


def test_the_documentation_has_these_numbers() -> None:
    document = Path(__file__).parents[3] / "docs" / "serving.md"
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \| (.*?) ?\|$", document.read_text("utf-8"), re.M)
    told = {name.split(":")[0]: (int(n.replace(",", "")), where) for name, n, where in rows}
    expected = {
        "images": (MAX_IMAGES, ""),
        "bytes of an image": (MAX_IMAGE_BYTES, ""),
        "pixels of an image": (MAX_IMAGE_PIXELS, ""),
        "bytes of all images": (RequestLimits.max_bytes, f"`{setting('bytes')}`"),
        "pixels of all images": (RequestLimits.max_pixels, f"`{setting('pixels')}`"),
        "tiles of all images": (RequestLimits.max_tiles, f"`{setting('tiles')}`"),
    }
    assert {name: told.get(name) for name in expected} == expected
