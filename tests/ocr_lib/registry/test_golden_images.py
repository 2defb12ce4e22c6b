"""What a version must answer."""

from pathlib import Path

import pytest

from ocr_lib.errors import ImageError
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.registry.golden_images import golden_images, golden_prefix
from tests.ocr_lib.serving.tiny_bundle import line_image


def test_they_say_what_the_exported_model_says(bundle: Path) -> None:
    images = {text: line_image(text) for text in ("abc", "é中", "a")}
    found = golden_images(bundle, images)
    assert [item.name for item in found] == list(images)
    assert [item.image for item in found] == list(images.values())
    assert [item.recognition for item in found] == open_bundle(bundle).read(list(images.values()))
    assert [item.recognition.text for item in found] == list(images)
    assert all(item.scored for item in found)


def test_an_image_that_cannot_be_read_is_no_golden_one(bundle: Path) -> None:
    with pytest.raises(ImageError, match=r"^bad\.png: not an image.*Choose another golden image"):
        golden_images(bundle, {"a.png": line_image("a"), "bad.png": b"text"})


def test_a_model_may_have_none(bundle: Path) -> None:
    assert golden_images(bundle, {}) == []


def test_each_version_has_its_place() -> None:
    assert golden_prefix("ocr", 3) == "registry/ocr/golden/3"
