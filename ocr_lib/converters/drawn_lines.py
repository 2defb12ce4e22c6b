"""Drawn lines of text, to compare networks on where no images are given."""

from collections.abc import Sequence

import numpy as np

from ocr_lib.data.image import Image
from ocr_lib.opencv import cv2

SEED = 20_26
LENGTHS = (1, 3, 5, 8, 11, 14, 18, 24, 30)  # characters
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_DUPLEX)
DRAWN = "".join(map(chr, range(0x20, 0x7F)))  # what OpenCV's fonts have
BORDER = 8  # px


def drawn_lines(characters: Sequence[str], count: int = 27) -> list[Image]:
    """Draws lines of many lengths, dark on light with noise; the same ones every time.

    Args:
        characters: to draw; those that OpenCV cannot are left out.
        count: how many lines.

    Returns:
        uint8 BGR [H, W, 3] each.
    """
    rng = np.random.default_rng(SEED)
    alphabet = [c for c in characters if len(c) == 1 and c in DRAWN] or list("0123456789")
    return [_draw(rng, alphabet, LENGTHS[i % len(LENGTHS)]) for i in range(count)]


def _draw(rng: np.random.Generator, alphabet: Sequence[str], length: int) -> Image:
    text = "".join(rng.choice(alphabet, length))
    font, scale = FONTS[rng.integers(len(FONTS))], float(rng.uniform(0.7, 1.4))
    thickness = int(rng.integers(1, 3))
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    paper, ink = float(rng.uniform(170, 250)), float(rng.uniform(0, 90))
    shape = height + below + 2 * BORDER, width + 2 * BORDER, 3
    image = np.full(shape, paper, np.uint8)
    corner = BORDER, BORDER + height
    cv2.putText(image, text, corner, font, scale, (ink, ink, ink), thickness, cv2.LINE_AA)
    noise = rng.normal(0, rng.uniform(2, 12), shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)
