"""Lines too wide for a network: cut into pieces that overlap, read one by one, and joined again.

A line up to `MAX_SQUEEZE` times as wide as the widest bucket is squeezed into it, as training did.
Beyond that characters become too narrow to be told apart, or too many for the time steps.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.image import TALL, Image, Preprocess
from ocr_lib.opencv import cv2
from ocr_lib.text.bidi import reading_order, visual_order
from ocr_lib.text.recognition import Recognition

MAX_SQUEEZE = 1.5
MAX_PIECES = 64  # of one line; wider ones are squeezed into this many
OVERLAP = 0.25  # of a piece, that the next one reads again
SEARCH = 0.1  # of a piece, in which to look for a column without ink

Piece = tuple[int, int]  # first column, and the one after the last


def split(image: Image, preprocess: Preprocess) -> list[Piece]:
    """Returns where to cut a line; one piece is the whole line.

    Args:
        image: uint8 BGR [H, W, 3].
        preprocess: its widest bucket is the widest piece; a network whose preprocessing does not
            keep the ratio of the sides gets every line whole.
    """
    height, width = image.shape[:2]
    size = _tile_width(width, height, preprocess)
    if size is None:
        return [(0, width)]
    ink = _ink(image)
    pieces: list[Piece] = []
    start = 0
    while start + size < width:
        end = _clearest(ink, start + size - round(SEARCH * size), start + size)
        pieces.append((start, end))
        latest = end - round(OVERLAP * size)
        start = _clearest(ink, latest - round(SEARCH * size), latest)
    return [*pieces, (start, width)]


def max_tiles(width: int, height: int, preprocess: Preprocess) -> int:
    """Returns the most pieces that `split` makes of an image of this size, told by its size alone.

    Args:
        width: of the image as it was sent, px; a tall one is turned here where the network's are.
        height: px.
        preprocess: as `split` takes it.
    """
    if preprocess.turn_tall and height >= TALL * width:
        width, height = height, width
    size = _tile_width(width, height, preprocess)
    if size is None:
        return 1
    least = size - round(OVERLAP * size) - 2 * round(SEARCH * size)  # that each piece adds
    return 1 + max(0, math.ceil((width - size) / least))


def merge(line: Sequence[Piece], read: Sequence[Recognition], right_to_left: bool) -> Recognition:
    """Returns the text of a line from what was read on its pieces.

    Two neighbours share what stands in the overlap. It is the run of characters at the end of one
    and the beginning of the other that agrees best, near the length that the widths let expect.
    Of the shared characters each piece gives the half that is farther from its edge.

    Args:
        line: the pieces, from the left.
        read: what was read on each, in reading order. They are joined as the eye meets them: a
            number at an edge has its place by the word that another piece shows.
        right_to_left: the charset's; without it texts are as they are drawn, whatever their
            letters, and stay so.
    """
    drawn = [visual_order(answer.text) if right_to_left else answer.text for answer in read]
    (former, first, text), *others = zip(line, read, drawn, strict=True)
    scores = _scores(first)
    for piece, answer, following in others:
        shared = min(former[1], piece[1]) - max(former[0], piece[0])
        per_char = (piece[1] - piece[0]) / max(len(following), 1)
        length = _overlap(text, following, round(shared / per_char))
        keep = len(text) - length // 2
        begin = length - length // 2
        text = text[:keep] + following[begin:]
        scores = scores[:keep] + _scores(answer)[begin:]
        former = piece
    mean = sum(scores) / len(scores) if scores else 0.0
    return Recognition(reading_order(text) if right_to_left else text, mean, tuple(scores))


def _tile_width(width: int, height: int, preprocess: Preprocess) -> int | None:
    """Returns the width of a piece in the image's own px; None where the line stays whole."""
    widest = preprocess.buckets[-1] * height / preprocess.height
    if not preprocess.keep_ratio or width <= MAX_SQUEEZE * widest:
        return None
    added = 1 - OVERLAP - 2 * SEARCH  # of a piece, at least
    return max(math.floor(widest), math.ceil(width / (MAX_PIECES * added)), 8)


def _ink(image: Image) -> NDArray[np.float32]:
    """Returns how far each column is from the line's background, smoothed: float32 [W]."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    levels = np.bincount((grey >> 3).ravel(), minlength=32)
    background = float(levels.argmax()) * 8 + 4
    columns = np.abs(grey.astype(np.float32) - background).mean(axis=0)
    span = max(1, image.shape[0] // 16) * 2 + 1  # a gap between characters, not a thin stroke
    return np.asarray(cv2.blur(columns[None], (span, 1))[0], np.float32)


def _clearest(ink: NDArray[np.float32], first: int, last: int) -> int:
    """Returns the column of least ink in [first, last], of equal ones the last."""
    window = ink[first : last + 1][::-1]
    return last - int((window > window.min() + 0.5).argmin())


def _overlap(text: str, following: str, expected: int) -> int:
    """Returns how many characters the end of `text` and the beginning of `following` share.

    A run of k characters scores its share of equal characters, less for being far from what is
    expected; repeated characters ("0000") would fit at many k.
    """
    longest = min(len(text), len(following), 2 * expected + 2)
    best, length = 0.0, 0
    for k in range(1, longest + 1):
        equal = sum(a == b for a, b in zip(text[-k:], following, strict=False))
        score = equal / k - 0.5 * abs(k - expected) / max(expected, 1)
        if score > best:
            best, length = score, k
    return length


def _scores(read: Recognition) -> list[float]:
    """Returns a score for each character, from the left end of the line.

    Entries of several characters have one score for all: then each character gets the mean.
    """
    if len(read.char_scores) != len(read.text):
        return [read.score] * len(read.text)
    return list(read.char_scores)
