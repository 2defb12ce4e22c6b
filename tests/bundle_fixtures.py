"""Bundles of tiny networks, and golden images of one: for tests of servers."""

from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage, golden_images
from ocr_lib.registry.judgement import Judgement
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

TEXTS = ("abc", "cab", "bé中a", "a", "aabbccéé中中")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that a gate let pass when nothing served."""
    judged = Judgement.against(None).to_dict()
    return write_bundle(tmp_path_factory.mktemp("bundles") / "one", lineage=judged)


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network: the same texts with other scores, other tensor names and height."""
    return write_bundle(tmp_path_factory.mktemp("bundles") / "two", sharpness=60.0, scale=2)


@pytest.fixture(scope="session")
def golden(bundle: Path) -> list[GoldenImage]:
    found = golden_images(bundle, {text: line_image(text) for text in TEXTS})
    assert [item.recognition.text for item in found] == list(TEXTS)
    return [replace(item, scored=False) for item in found]  # the other networks' scores differ
