"""What every augmentation is held to."""

from dataclasses import dataclass

import numpy as np
import pytest

from ocr_lib.config.location import FieldError
from ocr_lib.data.augment.base import Augmentation, check_probabilities


@dataclass(frozen=True)
class Own(Augmentation):
    blur_prob: float = 0.5
    tilt_p: float = 0.5
    strength: float = 3.0

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image


@pytest.mark.parametrize("value", [0, 0.0, 0.3, 1, 1.0])
def test_probabilities_are_accepted(value: float) -> None:
    check_probabilities(Own(blur_prob=value, tilt_p=value))


@pytest.mark.parametrize("name", ["blur_prob", "tilt_p"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_none_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(FieldError, match=name):
        check_probabilities(Own(**{name: value}))


def test_an_augmentation_is_something_to_call() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Augmentation()
