"""The light augmentation keeps a line readable."""

import numpy as np

from ocr_lib.data.augment.light import LightAug, move_outline


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
