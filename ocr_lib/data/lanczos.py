"""Resizing grey images as Pillow does with its Lanczos filter, to the last bit, without Pillow.

NRTR was trained on images that Pillow had resized. OpenCV's Lanczos filter does not widen with the
reduction, so it gives other pixels.

Source: Pillow `src/libImaging/Resample.c`: weights as whole numbers of 2**-22, along the rows and
then along the columns, rounded to 8 bits in between. Pillow 13 begins with the columns where an
image shrinks more in height; those that NRTR was trained with never did.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SUPPORT = 3.0  # px on either side, of the coarser of both grids
UNIT = 1 << 22  # weights are whole multiples of 1 / UNIT


def resize(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Resizes uint8 [H, W] to uint8 [height, width]."""
    rows, columns = image.shape
    if width != columns:
        image = _rounded(image @ _weights(columns, width).T)
    if height != rows:
        image = _rounded(_weights(rows, height) @ image)
    return image


def _rounded(sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    # Products and sums are whole numbers below 2**53: exact in float64.
    return np.clip(np.floor(sums / UNIT + 0.5), 0, 255).astype(np.uint8)


@lru_cache(maxsize=512)
def _weights(source: int, target: int) -> NDArray[np.float64]:
    """Weights of `source` pixels in each of `target`: whole numbers, float64 [target, source]."""
    scale = source / target
    stretch = max(scale, 1.0)
    weights = np.zeros((target, source))
    for row, weight in enumerate(weights):
        centre = (row + 0.5) * scale
        first = max(0, int(centre - SUPPORT * stretch + 0.5))
        last = min(source, int(centre + SUPPORT * stretch + 0.5))
        values = [_lanczos((x - centre + 0.5) / stretch) for x in range(first, last)]
        share = np.array(values) / sum(values)
        weight[first:last] = np.trunc(share * UNIT + np.copysign(0.5, share))
    return weights


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / SUPPORT) if -SUPPORT <= x < SUPPORT else 0.0


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0
