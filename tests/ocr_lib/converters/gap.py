"""How far an import is from what it was made of."""

from pathlib import Path

import numpy as np

from ocr_lib.config.loader import load_config
from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.training import forward_of, load_model


def gap(original: Path, folder: Path, width: int = 96) -> float:
    """Largest difference of a probability on noise."""
    trained = load_model(load_config(folder / "config.yml"), folder / "weights")
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, width)).astype(np.float32)
    ours, theirs = forward_of(trained.model)(images), onnx_forward(original)(images)
    return float(np.abs(ours - theirs).max())
