"""Wrong forms of a network, and their certificate."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.export.parity import certify
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network, png

Probs = NDArray[np.float32]


IMAGES = {f"{text}.png": png(text) for text in ("a", "abc 123", "f" * 20, "ab" * 15)}


def compare(
    backend: Callable[[Probs], Probs], path: Path, images: dict[str, bytes] = IMAGES
) -> dict[str, Any]:
    return certify(network, {"x": backend}, PREPROCESS, DICTIONARY, images, path / "failure.npz")


def nudged(batch: Probs) -> Probs:
    return network(batch) + np.float32(1e-5)


def shifted_last_image(batch: Probs) -> Probs:
    """Reads the padding's width wrong for the last image of a batch."""
    probs = network(batch)
    if len(probs) > 1:
        probs[-1] = np.roll(probs[-1], 1, axis=1)
    return probs
