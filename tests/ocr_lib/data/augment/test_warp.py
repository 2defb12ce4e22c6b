"""Warping by moving least squares, against PaddleOCR's."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ocr_lib.data.augment import tia
from ocr_lib.data.augment.warp import displacement, warp
from tests.ocr_lib.data.augment.law import Lines

POINTS = [tia.distort, tia.stretch, tia.tilt]


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    height=st.sampled_from([20, 32, 47, 99, 100, 101, 140]),
    width=st.sampled_from([20, 64, 100, 101, 150, 199, 200, 320, 333]),
    seed=st.integers(0, 10**6),
    points=st.sampled_from(POINTS),
)
def test_equal_points_give_equal_displacements(
    peer: SimpleNamespace, height: int, width: int, seed: int, points: Callable[..., tuple]
) -> None:
    rng = np.random.default_rng(seed)
    sources, targets = points(height, width, rng)
    assume(targets[-1] != 1j * (height - 1))  # PaddleOCR forgets a last point on a vertex
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    pairs = [[[p.real, p.imag] for p in array] for array in (sources, targets)]
    theirs = peer.warp(image, *pairs, width, height)
    expected = theirs.generate().astype(int)
    ours = displacement(height, width, sources, targets)
    rows = np.unique([*range(0, height, 100), height - 1])[:, None]
    columns = np.unique([*range(0, width, 100), width - 1])
    inner = np.s_[: len(rows) - 1, : len(columns) - 1]  # the last vertex is never quite reached
    field = theirs.rdx + 1j * theirs.rdy
    assert np.abs(ours - field)[rows, columns][inner].max() < 2e-3
    # On pure noise a hundredth of a pixel shows; ours counts in thirty-seconds of one.
    difference = warp(image, sources, targets).astype(int) - expected
    assert np.abs(difference).mean() < 4
    assert abs(difference.mean() - 0.5) < 0.25  # theirs cuts fractions off


def test_warped_lines_are_equal(peer: SimpleNamespace, lines: Lines) -> None:
    for seed, image in enumerate(lines):
        sources, targets = tia.distort(*image.shape[:2], np.random.default_rng(seed))
        pairs = [[[p.real, p.imag] for p in array] for array in (sources, targets)]
        expected = peer.warp(image, *pairs, image.shape[1], image.shape[0]).generate()
        difference = np.abs(warp(image, sources, targets).astype(int) - expected)
        assert difference.mean() < 1
        assert np.percentile(difference, 99) <= 4
