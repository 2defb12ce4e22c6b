"""The training transforms of a configuration as one function."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.reader import Part

Augmentation = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]


def build_augmentation(transforms: Sequence[Part]) -> Augmentation:
    """Returns what is done to a decoded image uint8 BGR [H, W, 3] before it is resized."""
    del transforms
    return _unchanged


def _unchanged(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    del rng
    return image
