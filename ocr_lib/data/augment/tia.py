"""Text image augmentation: control points on the edges of a line are moved at random.

Source: Luo et al., "Learn to augment" (2020); PaddleOCR `text_image_aug/augment.py`, whose points
and moves are drawn from the same distributions here.
"""

import numpy as np

from ocr_lib.data.augment.warp import Image, Points, warp

MIN_SIDE = 20
"""Smaller images (px) are left alone, as in PaddleOCR."""
RIGHT, DOWN = np.array([1, -1, -1, 1]), np.array([1, 1, -1, -1])
"""Into the image from each corner: left top, right top, right bottom, left bottom."""


def tia(image: Image, rng: np.random.Generator) -> Image:
    """Distorts, stretches and tilts a line, one warp after the other."""
    if min(image.shape[:2]) < MIN_SIDE:
        return image
    height, width = image.shape[:2]
    image = warp(image, *distort(height, width, rng))
    image = warp(image, *stretch(height, width, rng))
    return warp(image, *tilt(height, width, rng))


def distort(height: int, width: int, rng: np.random.Generator) -> tuple[Points, Points]:
    """Moves corners inwards and points along both edges anywhere, by up to a ninth of the width.

    Returns:
        Control points and where they go, both complex [P].
    """
    cut, inner = _segments(width, rng)
    reach = cut // 3
    points = np.concatenate([_corners(height, width), inner, inner + 1j * height])
    right, down = rng.integers(reach, size=(2, len(points)))
    moves = right + 1j * down
    moves[4:] -= (1 + 1j) * reach / 2
    moves[:4] = right[:4] * RIGHT + 1j * down[:4] * DOWN
    return points, points + moves


def stretch(height: int, width: int, rng: np.random.Generator) -> tuple[Points, Points]:
    """Moves vertical cuts of the line left or right; control points as from `distort`."""
    cut, inner = _segments(width, rng)
    reach = cut * 4 // 5
    corners = _corners(height, width)
    moved = inner + rng.integers(reach, size=len(inner)) - reach / 2
    foot = 1j * height
    return (
        np.concatenate([corners, inner, inner + foot]),
        np.concatenate([corners, moved, moved + foot]),
    )


def tilt(height: int, width: int, rng: np.random.Generator) -> tuple[Points, Points]:
    """Moves each corner up or down into the image; PaddleOCR's `tia_perspective`."""
    corners = _corners(height, width)
    return corners, corners + 1j * rng.integers(height // 2, size=4) * DOWN


def _segments(width: int, rng: np.random.Generator) -> tuple[int, Points]:
    """Cuts a width into 3 to 6 equal parts: their size and the x of the cuts between them."""
    segments = int(rng.integers(3, 7))
    cut = width // segments
    return cut, cut * np.arange(1, segments, dtype=np.complex128)


def _corners(height: int, width: int) -> Points:
    """In the order of `RIGHT` and `DOWN`."""
    return np.array([0, width, width + 1j * height, 1j * height])
