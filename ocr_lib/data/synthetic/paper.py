"""Paper-like backgrounds: shade, gradient, blotches, fibres, grain, stains and ruled lines."""

from functools import cache

import numpy as np

from ocr_lib.opencv import cv2

SHEETS = 6
SHEET_HEIGHT, SHEET_WIDTH = 192, 1536
"""Size of a sheet of texture, px: larger than any line, so that lines are cut from anywhere."""
FIBRES = 260


def paper(rng: np.random.Generator, height: int, width: int, shade: float) -> np.ndarray:
    """Draws a blank background.

    Args:
        rng: where the randomness comes from.
        height: rows, at most `SHEET_HEIGHT`.
        width: columns, at most `SHEET_WIDTH`.
        shade: mean grey value, 0–255.

    Returns:
        float32 [height, width], not clipped.
    """
    texture, grain = _sheets()[int(rng.integers(SHEETS))]
    page = shade + _cut(rng, texture, height, width) * rng.uniform(0.2, 1.0)
    page += _cut(rng, grain, height, width) * rng.uniform(0.5, 4.5)
    page += np.linspace(0, rng.normal(0, 10), width, dtype=np.float32)  # light falls from a side
    page += np.linspace(0, rng.normal(0, 6), height, dtype=np.float32)[:, None]
    if rng.random() < 0.08:
        page -= _stain(rng, height, width)
    if rng.random() < 0.08:
        _rule(rng, page)
    return np.asarray(page, np.float32)


def _cut(rng: np.random.Generator, sheet: np.ndarray, height: int, width: int) -> np.ndarray:
    top = int(rng.integers(SHEET_HEIGHT - height + 1))
    left = int(rng.integers(SHEET_WIDTH - width + 1))
    return sheet[top : top + height, left : left + width]


@cache
def _sheets() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Texture (about ±10 grey values) and grain (deviation 1), made once in a process."""
    return tuple(_sheet(np.random.default_rng(number)) for number in range(SHEETS))


def _sheet(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shape = (SHEET_HEIGHT, SHEET_WIDTH)
    coarse = rng.normal(0, 7, (SHEET_HEIGHT // 48, SHEET_WIDTH // 48)).astype(np.float32)
    texture = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    fibres = np.zeros(shape, np.float32)
    for _ in range(FIBRES):
        start = rng.integers((SHEET_WIDTH, SHEET_HEIGHT))
        bend, end = start + rng.integers(-9, 10, 2), start + rng.integers(-18, 19, 2)
        curve = np.stack([start, bend, end]).astype(np.int32)
        cv2.polylines(fibres, [curve], False, float(rng.normal(0, 14)))
    texture += cv2.GaussianBlur(fibres, (3, 3), 0.7)
    grain = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (3, 3), 0.5)
    return texture, grain / grain.std()


def _stain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A soft blot somewhere on the line."""
    radius = rng.uniform(0.3, 1.5) * height
    x = np.exp(-(((np.arange(width) - rng.uniform(0, width)) / radius) ** 2))
    y = np.exp(-(((np.arange(height) - rng.uniform(0, height)) / radius) ** 2))
    return np.asarray(rng.uniform(10, 35) * np.outer(y, x), np.float32)


def _rule(rng: np.random.Generator, page: np.ndarray) -> None:
    """A printed line near the lower edge, as under totals and in forms."""
    row = page.shape[0] - 1 - int(rng.integers(3))
    page[row] -= rng.uniform(30, 110)
