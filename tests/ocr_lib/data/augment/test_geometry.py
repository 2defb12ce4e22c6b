"""Rotation, shear and perspective, against PaddleOCR's."""

from types import SimpleNamespace

import numpy as np
import pytest

from ocr_lib.data.augment import geometry
from tests.ocr_lib.data.augment.law import Draw, assert_equal_pictures


@pytest.mark.parametrize("seed", range(20))
def test_equal_draws_give_equal_pictures(
    peer: SimpleNamespace, lines: list[np.ndarray], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [
        (lambda: peer.scene.CVRandomRotation(45), geometry.rotate),
        (lambda: peer.scene.CVRandomPerspective(0.5), geometry.perspective),
    ]
    assert_equal_pictures(peer, monkeypatch, lines[seed % len(lines)], seed, pairs)


@pytest.mark.parametrize("draw", [geometry.rotate, geometry.shear, geometry.perspective])
def test_a_picture_of_a_pixel_stays_one(draw: Draw) -> None:
    for seed in range(50):
        image = draw(np.full((1, 1, 3), 7, np.uint8), np.random.default_rng(seed))
        assert image.size
        assert (image == 7).all()


def test_a_result_beyond_the_limit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((32, 300, 3), np.uint8)
    monkeypatch.setattr(geometry, "MAX_PIXELS", 1000)
    assert geometry.rotate(image, np.random.default_rng(1)) is image


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
