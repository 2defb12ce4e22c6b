"""Other light and colours.

Source: paddle.vision.transforms.ColorJitter on arrays, as PaddleOCR `CVColorJitter` uses it: same
operations, same distributions.
"""

import numpy as np

from ocr_lib.data.augment.warp import Image
from ocr_lib.opencv import cv2

STRENGTH = 0.5  # of brightness, contrast and saturation
HUE = 0.1  # of the colour circle
MIDDLE = 74  # grey that contrast turns about


def jitter_colour(image: Image, rng: np.random.Generator) -> Image:
    """Changes brightness, contrast, saturation and hue, in random order."""
    for i in rng.permutation(4):
        factor = float(rng.uniform(1 - STRENGTH, 1 + STRENGTH))
        if i == 0:
            image = brighten(image, factor)
        elif i == 1:
            image = contrast(image, factor)
        elif i == 2:  # paddle draws the share a second time, about the first
            image = saturate(image, float(rng.uniform(max(0.0, 1 - factor), 1 + factor)))
        else:
            image = turn_hue(image, float(rng.uniform(-HUE, HUE)))
    return image


def brighten(image: Image, factor: float) -> Image:
    """Multiplies every value."""
    return _table(image, np.arange(256) * factor)


def contrast(image: Image, factor: float) -> Image:
    """Multiplies every value's distance from a dark grey."""
    return _table(image, (np.arange(256) - MIDDLE) * factor + MIDDLE)


def saturate(image: Image, share: float) -> Image:
    """Mixes with the grey image; 0 is grey, 1 the image as it is."""
    values = image.astype(np.float32)
    grey = cv2.cvtColor(values, cv2.COLOR_BGR2GRAY)[..., None]
    return np.asarray(np.clip(values * share + grey * (1 - share), 0, 255), np.uint8)


def turn_hue(image: Image, turn: float) -> Image:
    """Turns the colour circle by a share of it."""
    colours = cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL)
    colours[..., 0] += np.uint8(int(turn * 255) % 256)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_HSV2BGR_FULL), np.uint8)


def _table(image: Image, values: np.ndarray) -> Image:
    return np.asarray(cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8)), np.uint8)
