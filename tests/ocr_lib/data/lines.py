"""Small label lists with real image files."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np


def image(seed: int, width: int = 48, height: int = 20, kind: str = ".jpg") -> bytes:
    """Returns an encoded image; another one for every seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(kind, cv2.blur(pixels, (5, 5)))[1])


def write_lines(folder: Path, labels: Sequence[str], name: str = "labels.txt") -> Path:
    """Writes one image and one line a label; widths differ. Returns the label list."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, label in enumerate(labels):
        path = f"images/{name}_{i}.jpg"
        (folder / path).write_bytes(image(i, width=24 + 7 * (i % 20)))
        rows.append(f"{path}\t{label}\n")
    (folder / name).write_text("".join(rows), encoding="utf-8")
    return folder / name


def texts(count: int) -> list[str]:
    """Returns `count` different labels, with spaces and more than ASCII."""
    return [f"line {i} é漢" for i in range(count)]
