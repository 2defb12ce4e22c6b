"""The augmentations of PaddleOCR's recognition guide."""

from dataclasses import dataclass

import numpy as np

from ocr_lib.data.augment import pixels
from ocr_lib.data.augment.base import Augmentation, check_probabilities
from ocr_lib.data.augment.tia import tia
from ocr_lib.data.augment.warp import Image


@dataclass(frozen=True)
class BaseDataAugmentation(Augmentation):
    """RecAug without the warps: each operation fires with its own probability, in this order.

    Source: PaddleOCR `BaseDataAugmentation`: same order, same distributions.
    """

    crop_prob: float = 0.4
    blur_prob: float = 0.4
    hsv_aug_prob: float = 0.4
    jitter_prob: float = 0.4
    noise_prob: float = 0.4
    reverse_prob: float = 0.4

    def __post_init__(self) -> None:
        check_probabilities(self)

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Returns the changed image, uint8 BGR [H, W, 3]; `image` itself is not written to."""
        for probability, operation in (
            (self.crop_prob, pixels.crop),
            (self.blur_prob, pixels.blur),
            (self.hsv_aug_prob, pixels.hsv),
            (self.jitter_prob, pixels.jitter),
            (self.noise_prob, pixels.noise),
            (self.reverse_prob, pixels.reverse),
        ):
            if rng.random() < probability:
                image = operation(image, rng)
        return image


@dataclass(frozen=True)
class RecAug(BaseDataAugmentation):
    """Warps (TIA) with `tia_prob`, then what `BaseDataAugmentation` does.

    Attributes:
        use_tia: False switches the warps off, as in PaddleOCR up to 2.5.

    Source: PaddleOCR `RecAug`: same order, same distributions.
    """

    tia_prob: float = 0.4
    use_tia: bool = True

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Returns the changed image, uint8 BGR [H, W, 3]; `image` itself is not written to."""
        if self.use_tia and rng.random() < self.tia_prob:
            image = tia(image, rng)
        return super().__call__(image, rng)
