"""What happens to pixels: equal to PaddleOCR's where nothing is drawn, else equal in law."""

from types import SimpleNamespace

import numpy as np
import pytest

from ocr_lib.data.augment import pixels
from tests.ocr_lib.data.augment.law import Lines, assert_alike, seed_peer


def test_blur_is_equal(peer: SimpleNamespace, lines: Lines) -> None:
    peer_aug = peer.rec.BaseDataAugmentation(0, 0, 0, 0, blur_prob=1, hsv_aug_prob=0)
    for image in lines:
        expected = peer_aug({"image": image})["image"]
        assert np.array_equal(pixels.blur(image, np.random.default_rng()), expected)


def test_hsv_has_the_same_two_outcomes(peer: SimpleNamespace, lines: Lines) -> None:
    for image in lines:
        ours = [pixels.hsv(image, np.random.default_rng(seed)).tobytes() for seed in range(200)]
        seed_peer(0)
        theirs = [peer.rec.hsv_aug(image).tobytes() for _ in range(200)]
        assert set(ours) == set(theirs)
        assert len(set(ours)) == 2
        assert_alike([x == ours[0] for x in ours], [x == ours[0] for x in theirs])


def test_noise_takes_one_off_every_other_value(peer: SimpleNamespace, lines: Lines) -> None:
    image = np.concatenate([lines[0], np.zeros((lines[0].shape[0], 9, 3), np.uint8)], axis=1)
    image[:4] = 255
    seed_peer(0)
    changes = [
        noisy.astype(int) - image
        for noisy in (
            pixels.noise(image, np.random.default_rng(0)),
            peer.rec.add_gasuss_noise(image),
        )
    ]
    for change in changes:
        assert set(np.unique(change)) == {-1, 0}
        assert not change[image == 0].any()
        half = change[image > 0]
        assert abs(half.mean() + 0.5) < 3 / np.sqrt(half.size)


@pytest.mark.parametrize("height", [11, 40, 160, 210, 420])
def test_jitter_shifts_alike(peer: SimpleNamespace, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, 500, 3), np.uint8)
    outcomes = []
    for jitter in (
        lambda seed: pixels.jitter(image, np.random.default_rng(seed)),
        lambda seed: (seed_peer(seed), peer.rec.jitter(image.copy()))[1],
    ):
        results = [jitter(seed).tobytes() for seed in range(60)]
        outcomes.append(sorted(set(results)))
    assert outcomes[0] == outcomes[1]


def test_crop_takes_the_same_rows(peer: SimpleNamespace) -> None:
    image = np.arange(30, dtype=np.uint8)[:, None, None] * np.ones((1, 40, 3), np.uint8)
    rng = np.random.default_rng(0)
    seed_peer(0)
    ours = [pixels.crop(image, rng)[[0, -1], 0, 0] for _ in range(3000)]
    theirs = [peer.rec.get_crop(image)[[0, -1], 0, 0] for _ in range(3000)]
    for edge in range(2):
        assert_alike([float(x[edge]) for x in ours], [float(x[edge]) for x in theirs])
