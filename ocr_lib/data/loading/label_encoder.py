"""Labels as the arrays that losses take.

Source: PaddleOCR ppocr/data/imaug/label_ops.py (CTCLabelEncode, AttnLabelEncode, SARLabelEncode,
NRTRLabelEncode, MultiLabelEncode) for the codes; there an unusable sample is replaced at random
late in the pipeline, here `usable` says so before an epoch is planned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ocr_lib.algorithms import ALGORITHMS, CTC, RecognitionAlgorithm
from ocr_lib.algorithms.label_limit import LabelLimit, marks_of, taught_algorithms
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError
from ocr_lib.text.ctc import min_steps
from ocr_lib.text.dictionary import Charset

EMPTY = "empty"
TOO_LONG = "longer than max_text_length"
TOO_FEW_STEPS = "longer than the network's time steps"


@dataclass(frozen=True)
class LabelEncoder:
    """Encodes labels for CTC, and for a head that writes one character after another.

    Attributes:
        dictionary: the network's characters.
        max_text_length: characters; longer labels are not usable.
        auxiliary: the algorithm of the head that writes one character after another, next to
            CTC or alone; None where there is none.
        ctc: whether the network has a CTC head.
    """

    dictionary: Charset
    max_text_length: int
    auxiliary: str | None = None
    ctc: bool = True

    @classmethod
    def of(cls, config: Config, dictionary: Charset) -> "LabelEncoder":
        """Returns what the heads of a configuration's networks are taught with.

        Raises:
            ConfigError: two heads ask for labels of different codes.
        """
        taught = taught_algorithms(config)
        others = sorted(algorithm.name for algorithm in taught - {CTC})
        if len(others) > 1:
            cause = f"{' and '.join(others)} heads need labels of different codes"
            raise ConfigError("Architecture", cause, "Give all networks the same second head")
        auxiliary = others[0] if others else None
        return cls(dictionary, config.global_.max_text_length, auxiliary, CTC in taught)

    @property
    def _algorithms(self) -> list[RecognitionAlgorithm]:
        return [CTC, *([ALGORITHMS[self.auxiliary]] if self.auxiliary else [])]

    @cached_property
    def limit(self) -> LabelLimit:
        """How long a label may be."""
        return LabelLimit(self.max_text_length, marks_of(self._algorithms))

    def usable(self, label: str, time_steps: int) -> str:
        """Returns "" if the label can be learnt, else the reason why not.

        Args:
            label: the text.
            time_steps: CTC steps that the network gives this sample's image; without CTC any.
        """
        return self.check(label, time_steps)[0]

    def check(self, label: str, time_steps: int) -> tuple[str, list[str]]:
        """Returns what `usable` does, and the characters that the dictionary lacks."""
        ids, unknown = self.dictionary.encode_checked(label)
        reason = ""
        if not ids:
            reason = EMPTY
        elif len(ids) > self.limit.characters:
            reason = TOO_LONG
        elif self.ctc and min_steps(ids) > time_steps:
            reason = TOO_FEW_STEPS
        return reason, unknown

    def encode(self, labels: Sequence[str]) -> dict[str, NDArray[np.generic]]:
        """Encodes one batch.

        Returns:
            `label_ctc` int32 [N, L] with 0 as padding and L the longest label of the batch,
            `length` int64 [N]; with an auxiliary head its target, int64 [N, max_text_length].
        """
        ids = [self.dictionary.encode(label) for label in labels]
        targets = {
            algorithm.target: algorithm.tokenizer.encode(ids, self.max_text_length, self.dictionary)
            for algorithm in self._algorithms
        }
        return {**targets, "length": np.array([len(row) for row in ids], np.int64)}
