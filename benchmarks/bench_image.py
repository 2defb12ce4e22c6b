"""From encoded bytes to a batch, beside the operators of PaddleOCR's wheel.

The bound decodes and resizes only: no normalisation, no padding, no batch.
"""

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from benchmarks.line_images import line_image
from benchmarks.measure import interleaved, row
from ocr_lib.data.image import Image, Preprocess, decode_image, default_buckets

BATCH = 32
HEIGHT, WIDTH = 32, 320
GOAL = 0.9  # two thirds of the time are decoding and resizing, which both do with OpenCV


def run(quick: bool) -> list[dict[str, Any]]:
    count, rounds = (600, 3) if quick else (4_000, 7)
    rng = np.random.default_rng(3)
    wheel = _wheel()
    images = [line_image(rng)[0] for _ in range(count)]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    # Freed once, so that malloc keeps blocks of this size: else its history decides who pays for
    # fresh pages.
    np.ones(24 << 20, np.uint8)
    try:
        rows = []
        for name, preprocess in (
            ("image to batch, one width", Preprocess(HEIGHT, (WIDTH,))),
            ("image to batch, width buckets", Preprocess(HEIGHT, default_buckets(HEIGHT))),
        ):
            tasks: dict[str, Callable[[], object]] = {
                "ours": lambda preprocess=preprocess: _ours(images, preprocess),
                "peer": lambda: _peer(images, wheel),
                "bound": lambda: _bound(images),
            }
            rows.append(row(name, interleaved(tasks, count, rounds), GOAL))
        return rows
    finally:
        cv2.setNumThreads(threads)


def _ours(images: list[bytes], preprocess: Preprocess) -> None:
    waiting: dict[int, list[Image]] = {}
    for data in images:
        pixels = decode_image(data)
        width = preprocess.bucket(pixels.shape[1], pixels.shape[0])
        fitted = waiting.setdefault(width, [])
        fitted.append(preprocess.fit(pixels))
        if len(fitted) == BATCH:
            preprocess.batch(waiting.pop(width), width)
    for width, fitted in waiting.items():
        preprocess.batch(fitted, width)


def _peer(images: list[bytes], wheel: ModuleType) -> None:
    for start in range(0, len(images), BATCH):
        rows = []
        for data in images[start : start + BATCH]:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
            rows.append(wheel.resize_norm_img(pixels, [3, HEIGHT, WIDTH])[0])
        np.stack(rows)


def _bound(images: list[bytes]) -> None:
    for data in images:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
        height, width = pixels.shape[:2]
        cv2.resize(pixels, (min(WIDTH, math.ceil(HEIGHT * width / height)), HEIGHT))


def _wheel() -> ModuleType:
    """PaddleOCR's resize_norm_img, without the packages that the rest of its module needs."""
    wheel = importlib.util.find_spec("paddleocr")
    assert wheel is not None
    assert wheel.origin is not None
    path = Path(wheel.origin).parent / "ppocr/data/imaug/rec_img_aug.py"
    source = path.read_text(encoding="utf-8")
    start = source.index("def resize_norm_img(")
    module = ModuleType("rec_img_aug")
    module.__dict__.update(cv2=cv2, np=np, math=math)
    exec(compile(source[start : source.index("\ndef ", start)], str(path), "exec"), module.__dict__)
    return module
