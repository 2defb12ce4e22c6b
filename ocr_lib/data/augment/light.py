"""A light augmentation for small networks trained from scratch on a CPU."""

from dataclasses import dataclass

import numpy as np

from ocr_lib.data.augment.base import Augmentation, check_probabilities
from ocr_lib.data.augment.warp import Image
from ocr_lib.opencv import cv2


@dataclass(frozen=True)
class LightAug(Augmentation):
    """Slight geometry, light, blur and noise: the damage that scanning does, and no more.

    Unlike RecAug it never cuts characters off or inverts the line, which a network of half a
    million parameters would spend its capacity on.

    Attributes:
        geometry_prob: share of images whose outline is moved: scale, slant, tilt, shift.
        light_prob: share of images with another brightness and contrast.
        blur_prob: share of blurred images.
        noise_prob: share of images with grain.
    """

    geometry_prob: float = 0.6
    light_prob: float = 0.6
    blur_prob: float = 0.15
    noise_prob: float = 0.2

    def __post_init__(self) -> None:
        check_probabilities(self)

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Returns the changed image, uint8 [H, W, C], of the same size."""
        for probability, operation in (
            (self.geometry_prob, move_outline),
            (self.light_prob, change_light),
            (self.blur_prob, soften),
            (self.noise_prob, add_grain),
        ):
            if rng.random() < probability:
                image = operation(image, rng)
        return image


def move_outline(image: Image, rng: np.random.Generator) -> Image:
    """Moves the corners by up to a tenth of the height, and slants the line by up to 15 %."""
    height, width = image.shape[:2]
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = outline + rng.uniform(-0.08, 0.08, (4, 2)).astype(np.float32) * height
    moved[:, 0] += np.float32(rng.uniform(-0.075, 0.075) * height) * np.array([1, 1, -1, -1])
    back = cv2.getPerspectiveTransform(outline, moved)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(
        image, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8).reshape(image.shape)


def change_light(image: Image, rng: np.random.Generator) -> Image:
    """Scales contrast about mid-grey by 0.65 to 1.35 and shifts brightness by up to 30."""
    contrast, brightness = rng.uniform(0.65, 1.35), rng.uniform(-30, 30)
    values = (np.arange(256) - 127.5) * contrast + 127.5 + brightness
    table = np.clip(values, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8).reshape(image.shape)


def soften(image: Image, rng: np.random.Generator) -> Image:
    """Gaussian blur, 3 × 3, deviation 0.4 to 1 px."""
    blurred = cv2.GaussianBlur(image, (3, 3), rng.uniform(0.4, 1.0))
    return np.asarray(blurred, np.uint8).reshape(image.shape)


def add_grain(image: Image, rng: np.random.Generator) -> Image:
    """Adds grey noise of deviation 2 to 10, the same to all channels of a pixel."""
    grain = rng.standard_normal((*image.shape[:2], 1), np.float32) * np.float32(rng.uniform(2, 10))
    return np.asarray(np.clip(image + grain, 0, 255), np.uint8)
