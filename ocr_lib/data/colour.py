"""From pixels of any kind to the 8-bit BGR that everything else works on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.opencv import cv2

Image = NDArray[np.uint8]
MIN_LEVELS = 32  # grey levels of 256 that 16-bit pixels should use at least
LEAST_CONTRAST = 0.5  # on white, as a fraction of that on black: lighter ink is put on black


def to_bgr(pixels: NDArray[Any], key: int | None = None) -> Image:
    """Returns uint8 BGR [H, W, 3] of what OpenCV decodes unchanged.

    Transparent pixels show white; where the visible ones are light, black. 16-bit values are
    scaled by the bits that they use: a scanner's 12 bits give 0..255 as 8 or 16 do.

    Args:
        pixels: uint8 or uint16, grey [H, W] or [H, W, 1], BGR or BGRA [H, W, 4].
        key: the value of grey pixels that is transparent; None without one.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    alpha = _alpha(pixels, key)
    colour = pixels[..., :3] if pixels.ndim == 3 else pixels
    image = _eight_bits(colour, None if alpha is None else alpha > 0)
    if image.ndim == 2:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    if alpha is None or alpha.min() == 1.0:
        return np.ascontiguousarray(image)
    return _composed(image, alpha)


def is_single_colour(image: Image) -> bool:
    """Returns whether all pixels of an image are equal: there is nothing to read on it."""
    first = image[0, 0]
    middle = image[len(image) // 2]  # nearly every image differs there: the rest is not looked at
    return bool((middle == first).all() and (image == first).all())


def _alpha(pixels: NDArray[Any], key: int | None) -> NDArray[np.float32] | None:
    """Returns opacity, 0..1, float32 [H, W]; None where all is opaque by its kind."""
    if pixels.ndim == 2:
        return None if key is None else (pixels != key).astype(np.float32)
    if pixels.shape[2] != 4:
        return None
    return pixels[..., 3].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _eight_bits(colour: NDArray[Any], visible: NDArray[np.bool_] | None) -> Image:
    if colour.dtype == np.uint8:
        return np.asarray(colour, np.uint8)
    shown = colour if visible is None or not visible.any() else colour[visible]
    low, high = int(shown.min()), int(shown.max())
    top = (1 << max(8, high.bit_length())) - 1
    if low < high and (high - low) * 255 < MIN_LEVELS * top:  # a narrow range: all of it
        scaled = (np.clip(colour.astype(np.float32), low, high) - low) * (255 / (high - low))
    else:
        scaled = np.minimum(colour, top).astype(np.float32) * (255 / top)
    return np.asarray(np.rint(scaled), np.uint8)


def _composed(image: Image, alpha: NDArray[np.float32]) -> Image:
    """Puts an image on white, or on black where white shows less than half of the contrast."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) * alpha
    on_white = float(np.std(grey + 255 * (1 - alpha)))
    background = 0.0 if on_white < LEAST_CONTRAST * float(np.std(grey)) else 255.0
    opacity = alpha[..., None]
    return np.asarray(np.rint(image * opacity + background * (1 - opacity)), np.uint8)
