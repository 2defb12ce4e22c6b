"""Labels as the arrays that losses take.

Source: PaddleOCR ppocr/data/imaug/label_ops.py (CTCLabelEncode, SARLabelEncode, NRTRLabelEncode,
MultiLabelEncode) for the codes; there an unusable sample is replaced at random late in the
pipeline, here `usable` says so before an epoch is planned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ocr_lib.text.ctc import min_steps
from ocr_lib.text.dictionary import Dictionary
from ocr_lib.text.sequence import Coding, nrtr_coding, sar_coding

Guide = Literal["none", "sar", "nrtr"]
# The guiding head's labels: their name in a batch and how characters are coded.
GUIDES: dict[str, tuple[str, Callable[[int], Coding]]] = {
    "sar": ("label_sar", sar_coding),
    "nrtr": ("label_gtc", nrtr_coding),
}


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
        longest = self.max_text_length - (2 if self.guide != "none" else 0)  # start and end
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
        longest = max(map(len, encoded))
        padded = [[*ids, *[0] * (longest - len(ids))] for ids in encoded]
        arrays: dict[str, NDArray[np.generic]] = {
            "label_ctc": np.array(padded, np.int32),
            "length": np.array([len(ids) for ids in encoded], np.int64),
        }
        if self.guide != "none":
            name, coding_of = GUIDES[self.guide]
            coding = coding_of(self.dictionary.num_classes)
            rows = [coding.encode(ids, self.max_text_length) for ids in encoded]
            arrays[name] = np.array(rows, np.int64)
        return arrays
