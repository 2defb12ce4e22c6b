"""Light and colours, against paddle's."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from ocr_lib.data.augment import colour


def test_colours_are_paddles(
    lines: list[np.ndarray], peer: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    del peer  # it is there where paddle is
    share = 0.0
    monkeypatch.setattr(np.random, "uniform", lambda low, high: share)
    theirs = importlib.import_module("paddle.vision.transforms.functional_cv2")
    for image in lines:
        for factor in (0.5, 0.93, 1.0, 1.31, 1.5):
            assert np.array_equal(
                colour.brighten(image, factor), theirs.adjust_brightness(image, factor)
            )
            assert np.array_equal(
                colour.contrast(image, factor), theirs.adjust_contrast(image, factor)
            )
            share = factor
            assert np.array_equal(
                colour.saturate(image, factor), theirs.adjust_saturation(image, factor)
            )
        for turn in (-0.1, -0.01, 0.0, 0.05, 0.1):
            assert np.array_equal(colour.turn_hue(image, turn), theirs.adjust_hue(image, turn))
