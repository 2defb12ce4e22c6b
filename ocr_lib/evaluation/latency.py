"""What two models cost to run, measured side by side on this machine."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from math import isfinite
from typing import Any, Self

import numpy as np

from ocr_lib.inference.recognizer import Recognizer

ROUNDS = 11


@dataclass(frozen=True, slots=True)
class LatencyAndSize:
    """Candidate and champion, each as it would serve.

    Attributes:
        latency_ms: the candidate's time for one line alone, median of each line's.
        champion_latency_ms: the champion's.
        size_bytes: the candidate's network file.
        champion_size_bytes: the champion's.
    """

    latency_ms: float
    champion_latency_ms: float
    size_bytes: int
    champion_size_bytes: int

    @property
    def latency_ratio(self) -> float:
        """The candidate's time in times of the champion's."""
        return self.latency_ms / max(self.champion_latency_ms, 1e-9)

    @property
    def size_ratio(self) -> float:
        """The candidate's size in times of the champion's."""
        return self.size_bytes / max(self.champion_size_bytes, 1)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned.

        Raises:
            TypeError, ValueError: it is not that, or a value is not a positive number.
        """
        latency = cls(**values)
        numbers = astuple(latency)
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise TypeError(f"{number!r} is not a number")
        if not all(isfinite(number) and number >= 0 for number in numbers):
            raise ValueError(f"{numbers} are not times and sizes")
        return latency

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON-ready values."""
        return asdict(self)


def measure_latency(
    candidate: Recognizer, champion: Recognizer, images: Sequence[bytes], rounds: int = ROUNDS
) -> tuple[float, float]:
    """Reads images one at a time with both models in turn; returns ms a line of each.

    Whatever else the machine does meets both alike, since they alternate image by image; of each
    image the median counts. The first round warms up and is thrown away.

    Args:
        candidate: one model.
        champion: the other.
        images: encoded lines of all widths; at least one.
        rounds: how often to go over them.
    """
    models = candidate, champion
    spent = np.zeros((2, rounds + 1, len(images)))
    for turn in range(rounds + 1):
        for i, image in enumerate(images):
            for which in (0, 1) if (turn + i) % 2 else (1, 0):
                started = time.perf_counter()
                models[which].read([image])
                spent[which, turn, i] = time.perf_counter() - started
    candidate_ms, champion_ms = (1000.0 * np.median(spent[:, 1:], axis=1).mean(axis=1)).tolist()
    return candidate_ms, champion_ms
