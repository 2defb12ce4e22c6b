"""The samples worth remembering of an evaluation: the worst, the watched, the unreadable."""

import heapq

import numpy as np

from ocr_lib.data.image import decode_image
from ocr_lib.errors import ImageError
from ocr_lib.evaluation.report import PredictedSample
from ocr_lib.opencv import cv2

THUMBNAIL = (480, 40)  # largest width and height of a picture kept for the report, px


class TopErrors:
    """Keeps a bounded number of samples.

    Args:
        keep: how many of the worst samples, and of the unreadable ones.
        watch: positions of samples whose text to keep whatever it is.

    Attributes:
        watched: position → text.
        errors: the first unreadable images, each with its cause.
        unreadable: how many there were.
    """

    def __init__(self, keep: int, watch: frozenset[int]) -> None:
        self._keep = keep
        self._watch = watch
        # A heap, the least bad on top.
        self._worst: list[tuple[float, float, int, PredictedSample]] = []
        self.watched: dict[int, str] = {}
        self.errors: list[str] = []
        self.unreadable = 0

    def add(self, sample: PredictedSample) -> None:
        """Looks at one evaluated sample."""
        if sample.index in self._watch:
            self.watched[sample.index] = sample.recognition.text
        if sample.recognition.error is not None:
            self.unreadable += 1
            if len(self.errors) < self._keep:
                self.errors.append(f"{sample.name}: {sample.recognition.error}")
        elif not sample.correct:
            # Among equally wrong samples the more confident one is worse.
            rank = -sample.similarity, sample.recognition.score, -sample.index
            heapq.heappush(self._worst, (*rank, sample))
            if len(self._worst) > self._keep:
                heapq.heappop(self._worst)

    def worst(self) -> tuple[PredictedSample, ...]:
        """Returns the worst samples, worst first, with small pictures."""
        return tuple(_with_thumbnail(item[-1]) for item in sorted(self._worst, reverse=True))


def _with_thumbnail(sample: PredictedSample) -> PredictedSample:
    """Shrinks the kept picture to what a report shows, in a format every browser reads."""
    try:
        pixels = decode_image(sample.image)
    except ImageError:
        sample.image = b""
        return sample
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL[0] / width, THUMBNAIL[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    sample.image = np.asarray(cv2.imencode(".png", small)[1]).tobytes()
    return sample
