"""What PaddleOCR's RecAug does to pixels; every function takes and returns uint8 BGR [H, W, 3].

Source: PaddleOCR `rec_img_aug.py`. Two of its operations change a grey value by at most one: there
the outcome is drawn directly, from the same distribution, at a small part of the cost.
"""

import numpy as np

from ocr_lib.data.augment.tia import MIN_SIDE
from ocr_lib.data.augment.warp import Image
from ocr_lib.opencv import cv2

KERNEL = cv2.getGaussianKernel(5, 1, cv2.CV_32F)


def crop(image: Image, rng: np.random.Generator) -> Image:
    """Cuts 1 to 8 rows off the top or the bottom; small images are left alone."""
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        return image
    rows = int(rng.integers(1, 9))
    return image[rows:] if rng.random() < 0.5 else image[: height - rows]


def blur(image: Image, _: np.random.Generator) -> Image:
    """Gaussian blur, 5 × 5, deviation 1 px."""
    return np.asarray(cv2.sepFilter2D(image, -1, KERNEL, KERNEL), np.uint8)


def hsv(image: Image, rng: np.random.Generator) -> Image:
    """Rounds colours to 8-bit HSV and, half of the time, takes one off every brightness.

    PaddleOCR multiplies the brightness by 1 ± up to 0.001 and cuts the fraction off: a factor
    above 1 changes nothing and one below 1 takes off exactly one.
    """
    colours = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    if rng.random() < 0.5:
        colours = cv2.subtract(colours, (0, 0, 1, 0))
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_HSV2BGR), np.uint8)


def jitter(image: Image, rng: np.random.Generator) -> Image:
    """Shifts the image along its diagonal by less than 1 % of its shorter side.

    PaddleOCR shifts by up to one pixel less than it draws, which leaves images below 200 px,
    nearly all text lines, as they are.
    """
    height, width = image.shape[:2]
    shifts = int(rng.random() * min(height, width) * 0.01)
    shifted = image.copy() if shifts > 1 else image
    for shift in range(1, shifts):
        shifted[shift:, shift:] = image[: height - shift, : width - shift]
    return shifted


def noise(image: Image, rng: np.random.Generator) -> Image:
    """Takes one off half of the values, at random.

    PaddleOCR adds Gaussian noise of deviation 0.16 and cuts the fraction off: what was drawn
    below 0 takes one off, what was drawn above changes nothing.
    """
    bits = np.unpackbits(np.frombuffer(rng.bytes((image.size + 7) // 8), np.uint8))
    return np.asarray(cv2.subtract(image, bits[: image.size].reshape(image.shape)), np.uint8)


def reverse(image: Image, _: np.random.Generator) -> Image:
    """White on black: 255 minus every value."""
    return np.asarray(cv2.bitwise_not(image), np.uint8)
