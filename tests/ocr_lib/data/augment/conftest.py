import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from ocr_lib.data.synthetic.render import render_line


@pytest.fixture(scope="session")
def lines() -> list[np.ndarray]:
    """Text lines, uint8 BGR [H, W, 3], with some colour."""
    images = []
    for seed, text in enumerate(["TOTAL: 12.50", "Thank you!", "19/05/2018 11:28", "RM", "x 7"]):
        image = cv2.cvtColor(render_line(text, np.random.default_rng(seed)), cv2.COLOR_GRAY2BGR)
        images.append(cv2.subtract(image, (seed * 9, seed, 0, 0)))
    return images


@pytest.fixture(scope="session")
def peer() -> Iterator[SimpleNamespace]:
    """PaddleOCR's augmentations, without the packages that the rest of its wheel needs."""
    wheel = importlib.util.find_spec("paddleocr")
    if wheel is None or wheel.origin is None or importlib.util.find_spec("paddle") is None:
        pytest.skip("paddleocr and paddle are not installed")
    package = ModuleType("wheel_imaug")
    package.__path__ = [str(Path(wheel.origin).parent / "ppocr/data/imaug")]
    sys.modules["wheel_imaug"] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # paddle's imports
        yield SimpleNamespace(
            rec=importlib.import_module("wheel_imaug.rec_img_aug"),
            scene=importlib.import_module("wheel_imaug.abinet_aug"),
            tia=importlib.import_module("wheel_imaug.text_image_aug.augment"),
            warp=importlib.import_module("wheel_imaug.text_image_aug.warp_mls").WarpMLS,
        )
    for name in [name for name in sys.modules if name.startswith("wheel_imaug")]:
        del sys.modules[name]
