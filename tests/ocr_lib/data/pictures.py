"""Pictures of any size, and configurations of resize operations."""

from typing import Any

import cv2
import numpy as np

from ocr_lib.config.loader import config_from_dict
from ocr_lib.config.schema import Config

RNG = np.random.default_rng(7)


def picture(width: int, height: int) -> np.ndarray:
    small = RNG.integers(0, 256, (max(1, height // 4), max(1, width // 4), 3), np.uint8)
    return cv2.resize(small, (width, height))


def config(name: str = "RecResizeImg", buckets: Any = None, **args: Any) -> Config:
    transforms = [{"DecodeImage": None}, {name: args}]
    return config_from_dict(
        {
            "Global": {"width_buckets": buckets},
            "Architecture": {},
            "Eval": {"dataset": {"transforms": transforms}},
        }
    )
