"""Pictures of any size, and configurations of resize operations."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

RNG = np.random.default_rng(7)


def picture(width: int, height: int) -> np.ndarray:
    small = RNG.integers(0, 256, (max(1, height // 4), max(1, width // 4), 3), np.uint8)
    return cv2.resize(small, (width, height))


def config(name: str = "RecResizeImg", buckets: Any = None, **args: Any) -> SimpleNamespace:
    parts = (SimpleNamespace(name="DecodeImage", args={}), SimpleNamespace(name=name, args=args))
    return SimpleNamespace(
        global_=SimpleNamespace(width_buckets=buckets),
        eval=SimpleNamespace(dataset=SimpleNamespace(transforms=parts)),
    )
