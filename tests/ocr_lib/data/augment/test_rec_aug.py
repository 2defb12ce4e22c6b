import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.augment.light import LightAug, move_outline
from ocr_lib.data.augment.rec_aug import BaseDataAugmentation, RecAug

ALWAYS = {f"{name}_prob": 1.0 for name in ("crop", "blur", "hsv_aug", "jitter", "noise", "reverse")}
AUGMENTATIONS = [
    RecAug(),
    RecAug(tia_prob=1, **ALWAYS),
    BaseDataAugmentation(),
    LightAug(),
    LightAug(1, 1, 1, 1),
]
Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@pytest.mark.parametrize("augment", AUGMENTATIONS, ids=str)
@given(
    height=st.integers(1, 64),
    width=st.one_of(st.integers(1, 64), st.integers(65, 600)),
    seed=st.integers(0, 2**32),
)
def test_any_image_stays_one(augment: Augmentation, height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = image.copy()
    result = augment(image, np.random.default_rng(seed))
    assert result.dtype == np.uint8
    assert result.shape[1:] == (width, 3)
    assert height - 8 <= result.shape[0] <= height
    assert np.array_equal(image, before)  # the data set may hand out the same array again
    again = pickle.loads(pickle.dumps(augment))(image, np.random.default_rng(seed))
    assert np.array_equal(again, result)


def test_light_augmentation_takes_grey_images() -> None:
    image = np.full((32, 100, 1), 99, np.uint8)
    assert LightAug(1, 1, 1, 1)(image, np.random.default_rng(0)).shape == image.shape


def test_light_augmentation_moves_nothing_far() -> None:
    height, width = 40, 120
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    image = 2 * np.dstack([rows, columns, rows])  # every pixel says where it was
    for seed in range(300):
        moved = move_outline(image, np.random.default_rng(seed)).astype(float) / 2
        assert np.abs(moved[..., 0] - rows).max() <= 0.09 * height
        assert np.abs(moved[..., 1] - columns).max() <= 0.1 * width  # foreshortening


def test_light_augmentation_keeps_the_contrast(lines: list[np.ndarray]) -> None:
    for seed, image in enumerate(lines * 20):
        result = LightAug(1, 1, 1, 1)(image, np.random.default_rng(seed))
        assert result.std() > 0.4 * image.std()


def test_nothing_fires_at_probability_zero(lines: list[np.ndarray]) -> None:
    never = RecAug(tia_prob=0, **dict.fromkeys(ALWAYS, 0.0))
    for seed, image in enumerate(lines):
        assert never(image, np.random.default_rng(seed)) is image
        assert LightAug(0, 0, 0, 0)(image, np.random.default_rng(seed)) is image


@pytest.mark.parametrize("name", ["crop_prob", "blur_prob", "noise_prob", "reverse_prob"])
def test_each_operation_fires_as_often_as_asked(name: str, lines: list[np.ndarray]) -> None:
    never = dict.fromkeys(ALWAYS, 0.0)
    augment = BaseDataAugmentation(**{**never, name: 0.3})
    rng = np.random.default_rng(0)
    fired = [augment(lines[0], rng) is not lines[0] for _ in range(2000)]
    assert 0.27 < np.mean(fired) < 0.33


def test_warps_can_be_switched_off(lines: list[np.ndarray]) -> None:
    never = dict.fromkeys(ALWAYS, 0.0)
    augment = RecAug(tia_prob=1, use_tia=False, **never)
    assert augment(lines[0], np.random.default_rng(0)) is lines[0]
    warped = RecAug(tia_prob=1, **never)(lines[0], np.random.default_rng(0))
    assert not np.array_equal(warped, lines[0])
