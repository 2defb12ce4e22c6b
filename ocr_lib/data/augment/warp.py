"""Warps an image so that control points move: moving least squares on a coarse grid, one remap.

Source: Schaefer, McPhail, Warren, "Image deformation using moving least squares" (2006),
similarity deformation; PaddleOCR `text_image_aug/warp_mls.py`, whose grid and whose interpolation
between its vertices are kept, so that equal points give equal displacements. Points are complex
numbers x + iy: a similarity is then one multiplication.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ocr_lib.opencv import cv2

GRID_STEP = 100
"""Pixels between vertices. A text line has few of them: at 32 × 150 px, six."""
SMALLEST = 1e-12  # px²; a vertex on a control point moves with it

Image = NDArray[np.uint8]
Points = NDArray[np.complex128]
Field = NDArray[np.complex64]
Weights = NDArray[np.float32]


def warp(image: Image, sources: Points, targets: Points) -> Image:
    """Moves what is at `sources` to `targets`; pixels from beyond the edge repeat the edge.

    Args:
        image: uint8 [H, W, C].
        sources: points x + iy in px, [P].
        targets: where each of them goes, [P].

    Returns:
        uint8 [H, W, C]. PaddleOCR cuts fractions of a grey value off where this rounds.
    """
    height, width = image.shape[:2]
    origins = displacement(height, width, sources, targets)
    origins += _places(height, width)
    pairs = origins.view(np.float32).reshape(height, width, 2)
    moved = cv2.remap(image, pairs, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8).reshape(image.shape)


def displacement(height: int, width: int, sources: Points, targets: Points) -> Field:
    """Where each pixel of the warped image comes from, relative to its own place.

    Returns:
        complex64 [height, width], x + iy in px.
    """
    grid, down, across = _grid(height, width)
    moves = (_deform(grid, sources, targets) - grid).astype(np.complex64)
    return np.asarray(down @ moves.reshape(down.shape[1], -1) @ across, np.complex64)


@lru_cache(maxsize=128)
def _places(height: int, width: int) -> Field:
    """Every pixel's own place, complex64 [height, width]."""
    places = np.arange(width) + 1j * np.arange(height)[:, None]
    return places.astype(np.complex64)


@lru_cache(maxsize=128)
def _grid(height: int, width: int) -> tuple[Points, Weights, Weights]:
    """Vertices row by row, and the weights that spread their values over rows and columns."""
    rows, columns = _vertices(height), _vertices(width)
    grid = (columns + 1j * rows[:, None]).reshape(-1)
    return grid, _interpolation(height), np.ascontiguousarray(_interpolation(width).T)


def _deform(at: Points, sources: Points, targets: Points) -> Points:
    """Maps positions [V] of the warped image to positions of the original, [V].

    A vertex on a control point goes where the point goes. So it does in PaddleOCR, but on the last
    point, which PaddleOCR then leaves out: one tilt in a half of the height is affected.
    """
    offsets = at[:, None] - targets
    weights = 1 / np.maximum(offsets.real**2 + offsets.imag**2, SMALLEST)
    weights /= weights.sum(1, keepdims=True)
    centre = weights @ targets
    arms = targets - centre[:, None]
    spread = (weights * (arms.real**2 + arms.imag**2)).sum(1)
    turn = (weights * arms.conj()) @ sources / spread
    return np.asarray(weights @ sources + (at - centre) * turn, np.complex128)


def _vertices(length: int) -> NDArray[np.float64]:
    """Every `GRID_STEP`-th pixel and the last one."""
    starts = np.arange(0, length, GRID_STEP, dtype=np.float64)
    return starts if starts[-1] == length - 1 else np.append(starts, length - 1)


def _interpolation(length: int) -> Weights:
    """Weights float32 [length, vertices]: each pixel lies between two neighbouring vertices.

    The last cell counts its last vertex as one of its own pixels without quite reaching it, as in
    PaddleOCR.
    """
    vertices = _vertices(length).astype(int)
    weights = np.zeros((length, len(vertices)), np.float32)
    for cell, start in enumerate(range(0, length, GRID_STEP)):
        last = start + GRID_STEP >= length
        size = length - start if last else GRID_STEP
        share = np.arange(size, dtype=np.float32) / size
        weights[start : start + size, cell] += 1 - share
        weights[start : start + size, min(cell + 1, len(vertices) - 1)] += share
    return weights
