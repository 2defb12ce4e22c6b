"""From encoded bytes to an augmented batch, beside the operators of PaddleOCR's wheel.

The training transforms are those of PP-OCRv3: RecConAug joins half of the samples with up to two
others (PaddleOCR decodes both for every sample), then RecAug. The bound decodes, resizes and
normalises, without any augmentation.
"""

import importlib
import importlib.util
import random
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from benchmarks.line_images import line_image
from benchmarks.measure import interleaved, row
from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.augment.light import LightAug
from ocr_lib.data.augment.rec_aug import RecAug
from ocr_lib.data.augment.tia import tia
from ocr_lib.data.base import Sample
from ocr_lib.data.image import Image, Preprocess, decode_image

BATCH = 32
HEIGHT, WIDTH = 48, 320
JOIN = {"prob": 0.5, "image_shape": (HEIGHT, WIDTH, 3), "ext_data_num": 2, "max_text_length": 25}
PEER_S, GOAL_S = 8.0e-3, 0.7e-3  # what the goal was set from
LIGHT_GOAL = 3.0  # times the bound
PREPROCESS = Preprocess(HEIGHT, (WIDTH,))

Augment = Callable[[Sample], Image]


def run(quick: bool) -> list[dict[str, Any]]:
    count, rounds = (200, 3) if quick else (800, 5)
    rng = np.random.default_rng(3)
    wheel = _wheel()
    samples = [Sample(*line_image(rng), name="line") for _ in range(count)]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [
            row("augmented sample, PP-OCRv3", _whole(samples, wheel, rounds), GOAL_S / PEER_S),
            row("TIA alone", _tia(samples, wheel, rounds), GOAL_S / PEER_S),
            _light(samples, rounds),
        ]
    finally:
        cv2.setNumThreads(threads)


def _whole(samples: list[Sample], wheel: ModuleType, rounds: int) -> dict[str, list[float]]:
    rng, join, augment = np.random.default_rng(0), RecConAug(**JOIN), RecAug()

    def ours(sample: Sample) -> Image:
        image = decode_image(sample.image)
        image, _ = join(image, sample.label, rng, lambda rng: samples[rng.integers(len(samples))])
        return augment(image, rng)

    tasks = {
        "ours": _batches(samples, ours),
        "peer": _peer(samples, wheel),
        "bound": _batches(samples, lambda sample: decode_image(sample.image)),
    }
    return interleaved(tasks, len(samples), rounds)


def _peer(samples: list[Sample], wheel: ModuleType) -> Callable[[], None]:
    join, augment = wheel.RecConAug(**JOIN), wheel.RecAug()

    def read(sample: Sample) -> dict[str, Any]:
        pixels = cv2.imdecode(np.frombuffer(sample.image, np.uint8), 1)
        return {"image": pixels, "label": sample.label}

    def task() -> None:
        for start in range(0, len(samples), BATCH):
            rows = []
            for sample in samples[start : start + BATCH]:
                data = read(sample)
                data["ext_data"] = [read(random.choice(samples)) for _ in range(2)]
                image = augment(join(data))["image"]
                rows.append(wheel.resize_norm_img(image, [3, HEIGHT, WIDTH])[0])
            np.stack(rows)

    return task


def _tia(samples: list[Sample], wheel: ModuleType, rounds: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    pixels = [decode_image(sample.image) for sample in samples]

    def peer() -> None:
        for image in pixels:
            image = wheel.tia_distort(image, int(rng.integers(3, 7)))
            image = wheel.tia_stretch(image, int(rng.integers(3, 7)))
            wheel.tia_perspective(image)

    def ours() -> None:
        for image in pixels:
            tia(image, rng)

    return interleaved({"ours": ours, "peer": peer}, len(pixels), rounds)


def _light(samples: list[Sample], rounds: int) -> dict[str, Any]:
    """There is no peer: the ratio is over the bound."""
    rng, augment = np.random.default_rng(0), LightAug()
    tasks = {
        "ours": _batches(samples, lambda sample: augment(decode_image(sample.image), rng)),
        "peer": _batches(samples, lambda sample: decode_image(sample.image)),
    }
    found = row("augmented sample, LightAug", interleaved(tasks, len(samples), rounds), LIGHT_GOAL)
    return found | {"peer_s": None, "bound_s": found["peer_s"]}


def _batches(samples: list[Sample], augment: Augment) -> Callable[[], None]:
    def task() -> None:
        for start in range(0, len(samples), BATCH):
            batch = samples[start : start + BATCH]
            PREPROCESS.batch([PREPROCESS.fit(augment(sample)) for sample in batch], WIDTH)

    return task


def _wheel() -> ModuleType:
    """PaddleOCR's operators, without the packages that the rest of its wheel needs."""
    wheel = importlib.util.find_spec("paddleocr")
    assert wheel is not None
    assert wheel.origin is not None
    package = ModuleType("wheel_imaug")
    package.__path__ = [str(Path(wheel.origin).parent / "ppocr/data/imaug")]
    sys.modules["wheel_imaug"] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # paddle's imports
        return importlib.import_module("wheel_imaug.rec_img_aug")
