"""PaddleOCR's own augmentations as an oracle: equal where nothing is drawn, else equal in law."""

import random
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from ocr_lib.data.augment import geometry

Lines = list[np.ndarray]


def differ(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Two-sample Kolmogorov-Smirnov statistic: the largest distance of the distributions."""
    values = np.concatenate([ours, theirs])
    shares = [np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (ours, theirs)]
    return float(np.abs(shares[0] - shares[1]).max())


def assert_alike(ours: list[float], theirs: list[float]) -> None:
    """The level of chance is 1 in 10,000; seeds are fixed."""
    n, m = len(ours), len(theirs)
    assert differ(np.array(ours), np.array(theirs)) < 2.23 * np.sqrt((n + m) / (n * m))


def seed_peer(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)


Draw = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def assert_equal_pictures(
    peer: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    image: np.ndarray,
    seed: int,
    pairs: list[tuple[Callable[[], Callable[[np.ndarray], np.ndarray]], Draw]],
) -> None:
    """PaddleOCR's classes, which draw from our generator in the same order, give our pixels."""
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
    for theirs, ours in pairs:
        rng = np.random.default_rng(seed)
        expected = theirs()(image)
        result = ours(image, np.random.default_rng(seed))
        assert np.array_equal(result, expected), ours.__name__
