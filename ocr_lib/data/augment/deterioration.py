"""Damage by camera and transmission: noise, motion, blur, coarse pixels.

Source: PaddleOCR `abinet_aug.py` (CVGaussianNoise, CVMotionBlur, CVRescale, CVPossionNoise,
CVGaussionBlur): same operations. There the strength of each is drawn once, when the transform is
built, and stays for the whole training; here every image draws its own, from the same distribution.
"""

import numpy as np

from ocr_lib.data.augment.geometry import any_filter, asymmetric
from ocr_lib.data.augment.warp import Image
from ocr_lib.opencv import cv2

VARIANCE = 20.0
MOTION = 6.0  # px
LEVELS = 4  # of the pyramid
POISSON = 20.0
RADIUS = 2.0  # px
BASE = (512, 128)  # width and height in px of the pyramid's lowest level


def gaussian_noise(image: Image, rng: np.random.Generator) -> Image:
    """Adds noise of a variance of 1 to 20."""
    variance = max(int(asymmetric(rng, VARIANCE)), 1)
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(variance**0.5)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def motion_blur(image: Image, rng: np.random.Generator) -> Image:
    """Smears along a line of 1 to 6 px in any direction."""
    length = max(int(asymmetric(rng, MOTION)), 1)
    angle = float(rng.uniform(-90, 90))
    matrix = cv2.getRotationMatrix2D((length // 2, length // 2), angle, 1)
    kernel = np.zeros((length, length))
    kernel[length // 2] = 1
    kernel = cv2.warpAffine(kernel, matrix, (length, length)) / length
    return np.asarray(np.clip(cv2.filter2D(image, -1, kernel), 0, 255), np.uint8)


def rescale(image: Image, rng: np.random.Generator) -> Image:
    """Shrinks to 128 × 512, halves up to four times, and enlarges again."""
    halvings = round(rng.uniform(0, LEVELS))
    if not halvings:
        return image
    small = cv2.resize(image, BASE, interpolation=any_filter(rng))
    for _ in range(halvings):
        small = cv2.pyrDown(small)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=any_filter(rng)), np.uint8)


def poisson_noise(image: Image, rng: np.random.Generator) -> Image:
    """Adds 1 to 20 on average, by Poisson's law."""
    mean = max(int(asymmetric(rng, POISSON)), 1)
    return np.asarray(np.clip(image + rng.poisson(mean, image.shape), 0, 255), np.uint8)


def gaussian_blur(image: Image, rng: np.random.Generator) -> Image:
    """Blurs with a kernel of 1 px, which changes nothing; PaddleOCR's radius allows no other."""
    asymmetric(rng, RADIUS)
    return image
