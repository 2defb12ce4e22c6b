"""Labels as the arrays that losses take.

Source: PaddleOCR ppocr/data/imaug/label_ops.py (CTCLabelEncode, AttnLabelEncode, SARLabelEncode,
NRTRLabelEncode, MultiLabelEncode) for the codes; there an unusable sample is replaced at random
late in the pipeline, here `usable` says so before an epoch is planned.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.reading import decoder_of, networks_of
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.text.ctc import min_steps
from ocr_lib.text.dictionary import Dictionary
from ocr_lib.text.sequence import Coding, attention_coding, nrtr_coding, sar_coding

TOO_FEW_STEPS = "longer than the network's time steps"
Guide = Literal["none", "attention", "sar", "nrtr"]
# Labels of heads that write one character after another: their name in a batch and their code.
GUIDES: dict[str, tuple[str, Callable[[int], Coding]]] = {
    "attention": ("label_gtc", attention_coding),
    "sar": ("label_sar", sar_coding),
    "nrtr": ("label_gtc", nrtr_coding),
}
_GUIDE_OF_HEAD: Mapping[str, Guide] = {
    "AttentionHead": "attention",
    "SARHead": "sar",
    "Transformer": "nrtr",
    "NRTRHead": "nrtr",
}


@dataclass(frozen=True)
class Targets:
    """Encodes labels for CTC, and for a head that writes one character after another.

    Attributes:
        dictionary: the network's characters.
        max_text_length: characters; longer labels are not usable.
        guide: the second head beside CTC, or the only one.
        ctc: whether the network has a CTC head.
    """

    dictionary: Dictionary
    max_text_length: int
    guide: Guide = "none"
    ctc: bool = True

    @classmethod
    def of(cls, config: Config, dictionary: Dictionary) -> "Targets":
        """Returns what the heads of a configuration's networks are taught with.

        Raises:
            ConfigError: two heads ask for labels of different codes.
        """
        decoder = decoder_of(config)
        heads = [name for n in networks_of(config.architecture).values() for name in _heads(n)]
        guides = {_GUIDE_OF_HEAD[name] for name in heads if name in _GUIDE_OF_HEAD}
        if decoder != "ctc":
            guides |= {guide for guide in _GUIDE_OF_HEAD.values() if guide == decoder}
        if len(guides) > 1:
            cause = f"{' and '.join(sorted(guides))} heads need labels of different codes"
            raise ConfigError("Architecture", cause, "Give all networks the same second head")
        ctc = decoder == "ctc" or "CTCHead" in heads
        guide = guides.pop() if guides else "none"
        return cls(dictionary, config.global_.max_text_length, guide, ctc)

    def usable(self, label: str, time_steps: int) -> str:
        """Returns "" if the label can be learnt, else the reason why not.

        Args:
            label: the text.
            time_steps: CTC steps that the network gives this sample's image; without CTC any.
        """
        ids = self.dictionary.encode(label)
        if not ids:
            return "empty"
        longest = self.max_text_length - (2 if self.guide != "none" else 0)  # start and end
        if len(ids) > longest:
            return "longer than max_text_length"
        if self.ctc and min_steps(ids) > time_steps:
            return TOO_FEW_STEPS
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


def _heads(network: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of a network's heads, those of a multi-head for itself."""
    head = network.get("Head") or {}
    for entry in head.get("head_list") or [{head.get("name"): None}]:
        yield from map(str, entry)
