"""Damage by camera and transmission: PaddleOCR's pixels where its draws are ours."""

from types import SimpleNamespace

import numpy as np
import pytest

from ocr_lib.data.augment import deterioration as damage
from tests.ocr_lib.data.augment.law import assert_equal_pictures

GREY = np.full((200, 300, 3), 128, np.uint8)


@pytest.mark.parametrize("seed", range(20))
def test_equal_draws_give_equal_pictures(
    peer: SimpleNamespace, lines: list[np.ndarray], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [
        (lambda: peer.scene.CVMotionBlur(6), damage.motion_blur),
        (lambda: peer.scene.CVRescale(4), damage.rescale),
        (lambda: peer.scene.CVGaussionBlur(2.0), damage.gaussian_blur),
    ]
    assert_equal_pictures(peer, monkeypatch, lines[seed % len(lines)], seed, pairs)


def test_gaussian_noise_has_a_variance_of_1_to_20_about_the_image() -> None:
    variances = []
    for seed in range(100):
        change = damage.gaussian_noise(GREY, np.random.default_rng(seed)).astype(float) - GREY
        assert abs(change.mean() + 0.5) < 0.1  # fractions are cut off
        variances.append(change.var())
    assert 0.9 < min(variances) < 1.5
    assert 8 < max(variances) < 21


def test_poisson_noise_adds_its_mean_which_is_its_variance_too() -> None:
    for seed in range(20):
        change = damage.poisson_noise(GREY, np.random.default_rng(seed)).astype(float) - GREY
        mean = round(change.mean())
        assert 1 <= mean <= 20
        assert abs(change.mean() - mean) < 0.1
        assert abs(change.var() - mean) < 0.1 * mean


@pytest.mark.parametrize("level", [0, 255])
def test_noise_stays_in_range(level: int) -> None:
    image = np.full((8, 8, 3), level, np.uint8)
    for noise in (damage.gaussian_noise, damage.poisson_noise):
        change = noise(image, np.random.default_rng(0)).astype(int) - level
        assert np.abs(change).max() < 40  # nothing wraps around
