"""Augmentations for scene text, against PaddleOCR's with equal draws."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_lib.data.augment import deterioration as damage
from ocr_lib.data.augment.scene import ParseQRecAug, SVTRRecAug

ALWAYS = {"geometry_p": 1.0, "deterioration_p": 1.0, "colorjitter_p": 1.0}


AUGMENTATIONS = [SVTRRecAug(), SVTRRecAug(1, **ALWAYS), ParseQRecAug(**ALWAYS)]


@pytest.mark.parametrize("augment", AUGMENTATIONS, ids=repr)
@settings(max_examples=30)
@given(height=st.integers(1, 64), width=st.integers(1, 400), seed=st.integers(0, 2**32))
def test_any_image_stays_one(augment: SVTRRecAug, height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = image.copy()
    result = augment(image, np.random.default_rng(seed))
    assert result.dtype == np.uint8
    assert result.ndim == 3
    assert result.size > 0
    assert np.array_equal(image, before)
    again = pickle.loads(pickle.dumps(augment))(image, np.random.default_rng(seed))
    assert np.array_equal(again, result)


def test_nothing_is_done_where_nothing_is_asked_for(lines: list[np.ndarray]) -> None:
    augment = SVTRRecAug(0, 0.0, 0.0, 0.0)
    assert np.array_equal(augment(lines[0], np.random.default_rng(0)), lines[0])


def test_parseqs_damage_is_more(lines: list[np.ndarray]) -> None:
    assert ParseQRecAug().damages()[-1] is SVTRRecAug().damages()[-1] is damage.rescale
    assert damage.poisson_noise in ParseQRecAug().damages()
