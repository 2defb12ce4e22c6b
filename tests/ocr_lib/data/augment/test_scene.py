"""Augmentations for scene text, against PaddleOCR's with equal draws."""

import importlib
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_lib.data.augment import colour, geometry
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


@pytest.mark.parametrize("seed", range(20))
def test_equal_draws_give_equal_pictures(
    peer: SimpleNamespace, lines: list[np.ndarray], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PaddleOCR's classes draw from our generator, in the same order."""
    rng = np.random.default_rng(seed)

    def symmetric(limit: float, size: int | None = None) -> float:
        return geometry.symmetric(rng, limit) if limit else 0.0

    def asymmetric(limit: float, size: int | None = None) -> object:
        if size is None:
            return geometry.asymmetric(rng, limit)
        return np.array([geometry.asymmetric(rng, limit) for _ in range(size)])

    monkeypatch.setattr(peer.scene, "sample_sym", symmetric)
    monkeypatch.setattr(peer.scene, "sample_asym", asymmetric)
    monkeypatch.setattr(peer.scene, "sample_uniform", lambda a, b, size=None: rng.uniform(a, b))
    monkeypatch.setattr(peer.scene, "get_interpolation", lambda: geometry.any_filter(rng))
    image = lines[seed % len(lines)]
    for theirs, ours in (
        (lambda: peer.scene.CVRandomRotation(45), geometry.rotate),
        (lambda: peer.scene.CVRandomPerspective(0.5), geometry.perspective),
        (lambda: peer.scene.CVMotionBlur(6), damage.motion_blur),
        (lambda: peer.scene.CVRescale(4), damage.rescale),
        (lambda: peer.scene.CVGaussionBlur(2.0), damage.gaussian_blur),
    ):
        rng = np.random.default_rng(seed)
        expected = theirs()(image)
        result = ours(image, np.random.default_rng(seed))
        assert np.array_equal(result, expected), ours.__name__


@pytest.mark.parametrize("seed", range(20))
def test_shear_matrices_are_paddleocrs(peer: SimpleNamespace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    centre, angle, scale = (40.0, 16.0), float(rng.uniform(-45, 45)), float(rng.uniform(0.5, 2))
    slants = float(rng.uniform(-45, 45)), float(rng.uniform(-15, 15))
    theirs = peer.scene.CVRandomAffine(45)._get_inverse_affine_matrix(
        centre, angle, (0, 0), scale, list(slants)
    )
    ours = geometry.affine_matrix(centre, angle, scale, slants)
    np.testing.assert_allclose(ours, np.array(theirs).reshape(2, 3), atol=1e-9)


def test_a_sheared_line_is_whole(lines: list[np.ndarray]) -> None:
    for seed in range(20):
        image = np.full((32, 150, 3), 255, np.uint8)
        image[4:28, 10:140] = 0
        sheared = geometry.shear(image, np.random.default_rng(seed))
        assert sheared.min() < 64
        edge = np.concatenate([sheared[0], sheared[-1], sheared[:, 0], sheared[:, -1]])
        assert edge.mean() > 250


def test_colours_are_paddles(
    lines: list[np.ndarray], peer: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    del peer  # it is there where paddle is
    share = 0.0
    monkeypatch.setattr(np.random, "uniform", lambda low, high: share)
    theirs = importlib.import_module("paddle.vision.transforms.functional_cv2")
    for image in lines:
        for factor in (0.5, 0.93, 1.0, 1.31, 1.5):
            assert np.array_equal(
                colour.brighten(image, factor), theirs.adjust_brightness(image, factor)
            )
            assert np.array_equal(
                colour.contrast(image, factor), theirs.adjust_contrast(image, factor)
            )
            share = factor
            assert np.array_equal(
                colour.saturate(image, factor), theirs.adjust_saturation(image, factor)
            )
        for turn in (-0.1, -0.01, 0.0, 0.05, 0.1):
            assert np.array_equal(colour.turn_hue(image, turn), theirs.adjust_hue(image, turn))
