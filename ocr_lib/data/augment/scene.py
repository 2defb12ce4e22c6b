"""SVTR's and PARSeq's augmentations, for text in scenes.

Source: PaddleOCR `rec_img_aug.py` (SVTRRecAug, ParseQRecAug): same order, same distributions but
for what `deterioration.py` says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ocr_lib.data.augment import deterioration as damage
from ocr_lib.data.augment import geometry
from ocr_lib.data.augment.base import Augmentation, check_probabilities
from ocr_lib.data.augment.colour import jitter_colour
from ocr_lib.data.augment.warp import Image

Operation = Callable[[Image, np.random.Generator], Image]
VIEWS: tuple[Operation, ...] = (geometry.rotate, geometry.shear, geometry.perspective)
SVTR_DAMAGE: tuple[Operation, ...] = (damage.gaussian_noise, damage.motion_blur, damage.rescale)
PARSEQ_DAMAGE: tuple[Operation, ...] = (
    damage.gaussian_noise,
    damage.motion_blur,
    damage.poisson_noise,
    damage.gaussian_blur,
    damage.rescale,
)


@dataclass(frozen=True)
class SVTRRecAug(Augmentation):
    """Geometry, then deterioration, then colours, each with its own probability.

    Attributes:
        aug_type: 0 takes one of rotation, shear and perspective; 1 takes one to three of them.
        geometry_p: share of images seen from aside.
        deterioration_p: share of images damaged, by all kinds in random order.
        colorjitter_p: share of images with other colours.
    """

    aug_type: int = 0
    geometry_p: float = 0.5
    deterioration_p: float = 0.25
    colorjitter_p: float = 0.25

    def __post_init__(self) -> None:
        check_probabilities(self)

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Returns the changed image, uint8 BGR [H, W, 3]; `image` itself is not written to."""
        if rng.random() < self.geometry_p:
            count = int(rng.integers(1, 4)) if self.aug_type else 1
            image = _apply(VIEWS, image, rng, count)
        if rng.random() < self.deterioration_p:
            image = _apply(self.damages(), image, rng)
        if rng.random() < self.colorjitter_p:
            image = jitter_colour(image, rng)
        return image

    def damages(self) -> tuple[Operation, ...]:
        """Returns what a damaged image suffers."""
        return SVTR_DAMAGE


class ParseQRecAug(SVTRRecAug):
    """`SVTRRecAug` with Poisson noise and blur beside the other damage."""

    def damages(self) -> tuple[Operation, ...]:
        """Returns what a damaged image suffers."""
        return PARSEQ_DAMAGE


def _apply(
    operations: tuple[Operation, ...],
    image: Image,
    rng: np.random.Generator,
    count: int | None = None,
) -> Image:
    """Applies all operations, or a given number of them, in random order."""
    for i in rng.permutation(len(operations))[:count]:
        image = operations[i](image, rng)
    return image
