"""RecConAug: lines put side by side, so that short ones also teach long ones."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ocr_lib.config.checks import at_least
from ocr_lib.config.location import FieldError
from ocr_lib.config.parse import UNWRITTEN
from ocr_lib.data.augment.base import check_probabilities
from ocr_lib.data.augment.warp import Image
from ocr_lib.data.base import Sample
from ocr_lib.data.decode import decode_image
from ocr_lib.opencv import cv2
from ocr_lib.text.bidi import reading_order, visual_order

Draw = Callable[[np.random.Generator], Sample]
"""Returns a sample of the data set picked at random."""


@dataclass(frozen=True)
class RecConAug:
    """Joins a sample with others drawn at random, texts without a space between them.

    Attributes:
        prob: share of samples that are joined.
        image_shape: height, width and channels in px: lines get this height, and no joined line
            gets wider than this width.
        max_text_length: no joined label gets longer; Global's, as PaddleOCR has it.
        ext_data_num: how many others are joined, at most.

    Source: PaddleOCR `RecConAug`: same distribution. PaddleOCR reads the other samples for every
    sample and then uses them or not; here they are drawn when they are wanted, and decoded when
    their text fits.
    """

    IGNORED: ClassVar = ("max_text_length",)

    prob: float = 0.5
    image_shape: tuple[int, int, int] = (32, 320, 3)
    max_text_length: int = field(default=25, metadata=UNWRITTEN)
    ext_data_num: int = 1

    def __post_init__(self) -> None:
        check_probabilities(self)
        at_least(self, 1, "ext_data_num", "max_text_length")
        if min(self.image_shape) < 1:
            cause = f"is {list(self.image_shape)}"
            raise FieldError(self, "image_shape", cause, "Write [height, width, channels] in px")

    def __call__(
        self,
        image: Image,
        label: str,
        rng: np.random.Generator,
        draw: Draw,
        max_ratio: float = math.inf,
        turned: Callable[[Image], Image] = lambda image: image,
        right_to_left: bool = False,
    ) -> tuple[Image, str]:
        """Joins one decoded sample with others, or returns it as it is.

        Args:
            image: uint8 BGR [H, W, 3].
            label: its text.
            rng: where all randomness comes from; `draw` gets it too.
            draw: returns another sample of the data set.
            max_ratio: width over height that the batch has room for, where that is less than
                `image_shape` allows.
            turned: turns a tall image that was drawn, where the network's images are turned.
            right_to_left: labels are in the reading order of a right-to-left charset: the joined
                one is that of the joined image. Samples are not joined where it has none.

        Raises:
            UserError: a sample that was drawn cannot be read.
        """
        if rng.random() >= self.prob:
            return image, label
        limit = min(max_ratio, self.image_shape[1] / self.image_shape[0])
        for _ in range(self.ext_data_num):
            other = draw(rng)
            if len(label) + len(other.label) > self.max_text_length:
                break
            text = _joined(label, other.label) if right_to_left else label + other.label
            if text is None:
                break
            right = turned(decode_image(other.image, other.name))
            if _ratio(image) + _ratio(right) > limit:
                break
            image = np.concatenate([self._at_height(image), self._at_height(right)], axis=1)
            label = text
        return image, label

    def _at_height(self, image: Image) -> Image:
        height = self.image_shape[0]
        size = (max(1, round(_ratio(image) * height)), height)
        return np.asarray(cv2.resize(image, size), np.uint8)


def _joined(left: str, right: str) -> str | None:
    """Returns the label of two right-to-left lines side by side; None where no label looks so."""
    drawn = visual_order(left) + visual_order(right)
    label = reading_order(drawn)
    return label if visual_order(label) == drawn else None


def _ratio(image: Image) -> float:
    """Width over height."""
    return float(image.shape[1] / image.shape[0])
