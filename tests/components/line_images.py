"""Small data sets of rendered lines, as a user would have them."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

LABELS = ("TOTAL 12.50", 'say "hi", twice', "2026-11-23", " padded ", "x")


def write_icdar(folder: Path, labels: Sequence[str] = LABELS) -> Path:
    """Writes images and `gt.txt`, `name, "label"` a line; returns the folder."""
    folder.mkdir(parents=True)
    lines = []
    for number, label in enumerate(labels, start=1):
        image = np.full((32, 24 + 16 * len(label), 3), 255, np.uint8)
        cv2.putText(image, label, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
        (folder / f"word_{number}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        lines.append(f'word_{number}.png, "{label}"\n')
    (folder / "gt.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def tar_of(folder: Path) -> Path:
    """Packs a folder's files into `<folder>.tar`."""
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)
    return path
