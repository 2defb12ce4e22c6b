"""What every augmentation is, those of the user's own too."""

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.checks import probability


def check_probabilities(augmentation: Any) -> None:
    """Raises FieldError where a probability, `…prob` or `…_p`, is not from 0 to 1."""
    names = [f.name for f in fields(augmentation) if f.name.endswith(("prob", "_p"))]
    probability(augmentation, *names)


class Augmentation(ABC):
    """Changes a decoded image before it is resized.

    Loader processes get a pickled copy of it, so what it holds must be picklable. It draws
    everything from the generator that it is given, which makes a resumed run repeat itself.
    """

    @abstractmethod
    def __call__(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Returns the changed image, uint8 BGR [H, W, 3]; `image` itself is not written to."""
