"""Packing: with decode check, checksums, histogram and manifest, beside a plain packer.

The peer does what deep-text-recognition-benchmark's `create_lmdb_dataset.py` does: read, decode
in grey, put in batches of 1,000. The bound only reads the files and puts them.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np

from benchmarks.line_images import write_line_images
from benchmarks.measure import interleaved, row
from ocr_lib.data.lmdb_store import pack

PEER_S, GOAL_S = 0.087e-3, 0.075e-3  # what the goal was set from


def run(quick: bool) -> list[dict[str, Any]]:
    count, rounds = (3_000, 3) if quick else (8_000, 7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = write_line_images(folder, count)
        tasks = {
            "ours": lambda: pack(labels, folder, _fresh(folder / "ours")),
            "peer": lambda: _plain(labels, folder, _fresh(folder / "peer"), check=True),
            "bound": lambda: _plain(labels, folder, _fresh(folder / "bound"), check=False),
        }
        seconds = interleaved(tasks, count, rounds)
    return [row("LMDB pack beside DTRB's packer, an image", seconds, GOAL_S / PEER_S)]


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _plain(labels: Path, root: Path, out: Path, *, check: bool) -> None:
    environment = lmdb.open(str(out), map_size=1 << 30)
    cache: dict[bytes, bytes] = {}
    number = 0
    for line in labels.read_text(encoding="utf-8").splitlines():
        path, label = line.split("\t")
        with open(root / path, "rb") as file:
            image = file.read()
        if check and not _valid(image):
            continue
        number += 1
        cache[b"image-%09d" % number] = image
        cache[b"label-%09d" % number] = label.encode()
        if number % 1000 == 0:
            _put(environment, cache)
            cache = {}
    cache[b"num-samples"] = str(number).encode()
    _put(environment, cache)
    environment.close()


def _valid(image: bytes) -> bool:
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE)
    return pixels is not None and pixels.shape[0] * pixels.shape[1] > 0


def _put(environment: lmdb.Environment, cache: dict[bytes, bytes]) -> None:
    with environment.begin(write=True) as transaction:
        for key, value in cache.items():
            transaction.put(key, value)
