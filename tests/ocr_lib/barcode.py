"""Images and a stand-in network that reads them without error: text as grey columns.

Each character is a column 4 px wide of a grey of its own, each followed by 4 px of white; the
network averages columns of 4 px and looks the grey up. Padding (mid-grey) and white are blanks.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image import Preprocess
from ocr_lib.text.dictionary import Charset

STEP = 4  # px of one time step
CHARACTERS = "abcdef 123"
DICTIONARY = Charset(tuple(CHARACTERS), lower=False)
PREPROCESS = Preprocess(height=16, buckets=(64, 128, 256))


def draw(text: str) -> NDArray[np.uint8]:
    """Returns uint8 BGR [16, 8 * len(text), 3]."""
    image = np.full((16, 2 * STEP * len(text), 3), 255, np.uint8)
    for position, character in enumerate(text):
        start = 2 * STEP * position
        image[:, start : start + STEP] = 10 * (CHARACTERS.index(character) + 1)
    return image


def png(text: str) -> bytes:
    """Returns `draw(text)` as a PNG file."""
    return bytes(cv2.imencode(".png", draw(text))[1])


def network(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reads float32 [N, 3, 16, W]; returns probabilities float32 [N, W / 4, 11]."""
    columns = batch.mean(axis=(1, 2)).reshape(len(batch), -1, STEP).mean(axis=2)
    greys = np.rint((columns * 0.5 + 0.5) * 255 / 10).astype(int)
    classes = np.where(greys <= len(CHARACTERS), greys, 0)
    one_hot = np.eye(len(CHARACTERS) + 1, dtype=np.float32)[classes]
    return np.asarray(0.9 * one_hot + 0.1 / one_hot.shape[2], np.float32)
