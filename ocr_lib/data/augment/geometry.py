"""Views of a line from aside: rotated, sheared, in perspective; the image grows to hold them.

Source: PaddleOCR `abinet_aug.py` (CVRandomRotation, CVRandomAffine, CVRandomPerspective), after
Fang et al., "Read Like Humans" (ABINet, 2021): same distributions.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.augment.warp import Image
from ocr_lib.opencv import cv2

FILTERS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)
DEGREES = 45.0
SCALES = (0.5, 2.0)
SHEAR = (45.0, 15.0)  # degrees, across and down
DISTORTION = 0.5  # of half a side, that a corner moves at most
MAX_PIXELS = 1 << 22  # of the result: a line of 2000 px, sheared, would fill a gigabyte


def symmetric(rng: np.random.Generator, magnitude: float) -> float:
    """Draws from -magnitude to magnitude, near 0 more often."""
    return float((rng.beta(4, 4) - 0.5) * 2 * magnitude)


def asymmetric(rng: np.random.Generator, magnitude: float) -> float:
    """Draws from 0 to magnitude, near 0 more often."""
    return float(rng.beta(1, 4) * magnitude)


def any_filter(rng: np.random.Generator) -> int:
    """Draws how pixels are interpolated."""
    return FILTERS[int(rng.integers(len(FILTERS)))]


def rotate(image: Image, rng: np.random.Generator) -> Image:
    """Rotates by up to 45°; corners repeat the edge."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), symmetric(rng, DEGREES), 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(height * sin + width * cos), int(height * cos + width * sin)
    return _warp_affine(image, _centred(matrix, (width, height), size), size, rng)


def shear(image: Image, rng: np.random.Generator) -> Image:
    """Rotates, scales by 0.5 to 2, and shears by up to 45° across and 15° down."""
    height, width = image.shape[:2]
    angle = symmetric(rng, DEGREES)
    scale = float(rng.uniform(*SCALES))
    slants = symmetric(rng, SHEAR[0]), symmetric(rng, SHEAR[1])
    matrix = affine_matrix((width / 2, height / 2), angle, scale, slants)
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    moved = np.trunc(corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    left, top, right, bottom = _outline(moved)
    size = right - left, bottom - top
    return _warp_affine(image, _centred(matrix, (width, height), size), size, rng)


def affine_matrix(
    centre: tuple[float, float], angle: float, scale: float, slants: tuple[float, float]
) -> NDArray[np.float64]:
    """Returns the 2 × 3 matrix about a centre; angle and slants in degrees.

    PaddleOCR takes torchvision's inverse matrix, so that the scale divides.
    """
    rotation = math.radians(angle)
    across, down = map(math.radians, slants)
    a = math.cos(rotation - down) / math.cos(down)
    c = math.sin(rotation - down) / math.cos(down)
    b = -a * math.tan(across) - math.sin(rotation)
    d = -c * math.tan(across) + math.cos(rotation)
    turn = np.array([[d, -b], [-c, a]]) / scale
    middle = np.array(centre)
    return np.column_stack([turn, middle - turn @ middle])


def perspective(image: Image, rng: np.random.Generator) -> Image:
    """Moves the corners inwards, each by up to a quarter of the sides."""
    height, width = image.shape[:2]
    down = [int(asymmetric(rng, DISTORTION * height / 2)) for _ in range(4)]
    across = [int(asymmetric(rng, DISTORTION * width / 2)) for _ in range(4)]
    right, bottom = width - 1, height - 1
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32)
    inwards = np.array(
        [
            [across[0], down[0]],
            [-across[1], down[1]],
            [-across[2], -down[2]],
            [across[3], -down[3]],
        ],
        np.float32,
    )
    moved = corners + inwards
    matrix = cv2.getPerspectiveTransform(corners, moved)
    first_column, first_row, columns, rows = _outline(moved)
    if columns - max(first_column, 0) < 1 or rows - max(first_row, 0) < 1:
        return image
    flags = any_filter(rng)
    warped = cv2.warpPerspective(
        image, matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped[max(first_row, 0) :, max(first_column, 0) :], np.uint8)


def _outline(corners: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the smallest turned rectangle around the corners."""
    box = cv2.boxPoints(cv2.minAreaRect(corners)).astype(np.int32)
    (left, top), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
    return left, top, right, bottom


def _centred(
    matrix: NDArray[np.float64], old: tuple[int, int], new: tuple[int, int]
) -> NDArray[np.float64]:
    """Shifts a matrix so that the middle of the old image is the middle of the new one."""
    matrix = matrix.copy()
    matrix[:, 2] += (np.array(new) - old) / 2
    return matrix


def _warp_affine(
    image: Image, matrix: NDArray[np.float64], size: tuple[int, int], rng: np.random.Generator
) -> Image:
    flags = any_filter(rng)
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        return image
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
