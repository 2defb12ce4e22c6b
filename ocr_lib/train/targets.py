"""Labels as the arrays that losses take.

Source: PaddleOCR ppocr/data/imaug/label_ops.py (CTCLabelEncode, SARLabelEncode, NRTRLabelEncode,
MultiLabelEncode) for the codes; there an unusable sample is replaced at random late in the
pipeline, here `usable` says so before an epoch is planned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ocr_lib.text.ctc import min_steps
from ocr_lib.text.dictionary import Dictionary

Guide = Literal["none", "sar", "nrtr"]


@dataclass(frozen=True)
class Targets:
    """Encodes labels for CTC and, where the network has one, for its guiding head.

    Attributes:
        dictionary: the network's characters.
        max_text_length: characters; longer labels are not usable.
        guide: the second head beside CTC.
    """

    dictionary: Dictionary
    max_text_length: int
    guide: Guide = "none"

    def usable(self, label: str, time_steps: int) -> str:
        """Returns "" if the label can be learnt, else the reason why not.

        Args:
            label: the text.
            time_steps: CTC steps that the network gives this sample's image.
        """
        ids = self.dictionary.encode(label)
        if not ids:
            return "empty"
        longest = self.max_text_length - (2 if self.guide == "sar" else 0)
        if len(ids) > longest:
            return "longer than max_text_length"
        if min_steps(ids) > time_steps:
            return "longer than the network's time steps"
        return ""

    def encode(self, labels: Sequence[str]) -> dict[str, NDArray[np.generic]]:
        """Encodes one batch.

        Returns:
            `label_ctc` int32 [N, L] with 0 as padding and L the longest label of the batch,
            `length` int64 [N]; with a guide `label_sar` or `label_gtc` int64 [N, max_text_length].
        """
        encoded = [self.dictionary.encode(label) for label in labels]
        arrays: dict[str, NDArray[np.generic]] = {
            "label_ctc": _padded(encoded, max(map(len, encoded)), 0).astype(np.int32),
            "length": np.array([len(ids) for ids in encoded], np.int64),
        }
        if self.guide == "sar":
            arrays["label_sar"] = self._sar(encoded)
        elif self.guide == "nrtr":
            arrays["label_gtc"] = self._nrtr(encoded)
        return arrays

    def _sar(self, encoded: list[list[int]]) -> NDArray[np.int64]:
        """Characters from 0, unknown = K-1, begin = end = K, pad = K+1 with K CTC classes."""
        end = self.dictionary.num_classes
        rows = [[end, *(i - 1 for i in ids), end] for ids in encoded]
        return _padded(rows, self.max_text_length, end + 1)

    def _nrtr(self, encoded: list[list[int]]) -> NDArray[np.int64]:
        """Blank 0, unknown 1, begin 2, end 3, characters from 4; padded with 0."""
        rows = [[2, *(i + 3 for i in ids), 3] for ids in encoded]
        return _padded(rows, self.max_text_length, 0)


def _padded(rows: list[list[int]], length: int, value: int) -> NDArray[np.int64]:
    result = np.full((len(rows), length), value, np.int64)
    for row, ids in zip(result, rows, strict=True):
        row[: len(ids)] = ids[:length]
    return result
