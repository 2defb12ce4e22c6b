"""Recognition algorithms: one record for each family of heads; no paddle."""

from ocr_lib.algorithms.algorithm import LengthLimit, RecognitionAlgorithm
from ocr_lib.algorithms.records import (
    ALGORITHMS,
    ATTENTION,
    BY_HEAD,
    BY_POST_PROCESS,
    CTC,
    NRTR,
    POST_PROCESSES,
    SAR,
    algorithm_named,
)

__all__ = [
    "ALGORITHMS",
    "ATTENTION",
    "BY_HEAD",
    "BY_POST_PROCESS",
    "CTC",
    "NRTR",
    "POST_PROCESSES",
    "SAR",
    "LengthLimit",
    "RecognitionAlgorithm",
    "algorithm_named",
]
