import pickle
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.augment.light import LightAug
from ocr_lib.data.augment.rec_aug import BaseDataAugmentation, RecAug
from tests.ocr_lib.data.augment.law import Lines, assert_alike, seed_peer

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


def test_whole_augmentation_is_alike(peer: SimpleNamespace, lines: Lines) -> None:
    """Statistics that each operation moves: level, contrast, sharpness, size, place of the ink."""
    image = lines[0]
    rng, ours_aug, peer_aug = np.random.default_rng(3), RecAug(), peer.rec.RecAug()
    seed_peer(3)
    ours = [statistics(ours_aug(image, rng)) for _ in range(400)]
    theirs = [statistics(peer_aug({"image": image.copy()})["image"]) for _ in range(400)]
    for name in ours[0]:
        assert_alike([s[name] for s in ours], [s[name] for s in theirs])


def statistics(image: np.ndarray) -> dict[str, float]:
    grey = image.astype(float).mean(axis=2)
    weight = np.abs(grey - np.median(grey)) + 1e-6
    return {
        "mean": round(grey.mean() / 3),  # theirs is 0.5 darker for each warp
        "height": grey.shape[0],
        "deviation": round(grey.std(), 1),
        "sharpness": round(np.abs(np.diff(grey, axis=1)).mean(), 1),
        "column": round((weight.sum(0) * np.arange(grey.shape[1])).sum() / weight.sum(), 1),
        "row": round((weight.sum(1) * np.arange(grey.shape[0])).sum() / weight.sum(), 1),
    }
