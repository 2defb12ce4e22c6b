"""One text line as an image: glyphs, scaled and slightly turned, in uneven ink on paper."""

import math

import numpy as np

from ocr_lib.data.synthetic.fonts import FACES, SIZES, load_font
from ocr_lib.data.synthetic.paper import paper
from ocr_lib.opencv import cv2

MIN_HEIGHT, MAX_HEIGHT = 24, 48
"""Image heights, px, both included."""


def render_line(text: str, rng: np.random.Generator) -> np.ndarray:
    """Draws `text`; equal states of `rng` give equal images.

    Returns:
        uint8 grey [H, W], H from `MIN_HEIGHT` to `MAX_HEIGHT`.
    """
    ink = _ink(text, rng)
    shade = rng.uniform(170, 250)
    page = paper(rng, ink.shape[0], ink.shape[1], shade)
    darkness = rng.uniform(80, shade - 10)
    page -= ink * (darkness / 255)
    if rng.random() < 0.35:
        page = cv2.GaussianBlur(page, (3, 3), rng.uniform(0.3, 0.9))
    image = np.asarray(np.clip(page, 0, 255), np.uint8)
    return np.bitwise_not(image) if rng.random() < 0.03 else image


def encode_line(image: np.ndarray, rng: np.random.Generator) -> bytes:
    """Encodes a line as JPEG of a random quality, 55–95."""
    quality = int(rng.integers(55, 96))
    _, content = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return content.tobytes()


def _ink(text: str, rng: np.random.Generator) -> np.ndarray:
    """How much ink covers each pixel, float32 [H, W], 0–255."""
    height = int(rng.integers(MIN_HEIGHT, MAX_HEIGHT + 1))
    above, below, left, right = rng.uniform(0.03, 0.18, 4) * height
    face = FACES[int(rng.integers(len(FACES)))]
    body = height - above - below
    fonts = [load_font(face, size) for size in SIZES]
    font = next((font for font in fonts if font.height >= 0.9 * body), fonts[-1])
    glyphs = font.draw(text)
    scale_y = body / font.height
    scale_x = scale_y * rng.uniform(0.88, 1.15)
    width = math.ceil(glyphs.shape[1] * scale_x + left + right)
    tilt = rng.uniform(-1, 1) * min(math.radians(1.5), 0.07 * height / width)
    slant = -rng.uniform(0.1, 0.25) if rng.random() < 0.1 else rng.normal(0, 0.02)
    affine = np.array(
        [
            [scale_x, slant * scale_y, left - slant * body / 2],
            [tilt * scale_x, scale_y, above - tilt * width / 2],
        ]
    )
    ink = cv2.warpAffine(glyphs, affine, (width, height), flags=cv2.INTER_LINEAR)
    return _wear(rng, ink.astype(np.float32))


def _wear(rng: np.random.Generator, ink: np.ndarray) -> np.ndarray:
    """Takes ink away as printers do: pale stretches, missed rows, speckles."""
    height, width = ink.shape
    draw = rng.random()
    if draw < 0.25:  # uneven pressure or heat along the line
        knots = rng.uniform(0.45, 1.0, (1, max(2, width // 40))).astype(np.float32)
        ink *= cv2.resize(knots, (width, 1), interpolation=cv2.INTER_LINEAR)
    elif draw < 0.35:  # the feed of a thermal printer slipped
        ink[rng.integers(height, size=2)] *= rng.uniform(0.2, 0.7)
    elif draw < 0.45:  # rough paper takes no ink in places
        speckles = rng.random((height // 2, width // 2), dtype=np.float32) < 0.07
        ink *= 1 - 0.8 * cv2.resize(speckles.astype(np.float32), (width, height))
    return ink
