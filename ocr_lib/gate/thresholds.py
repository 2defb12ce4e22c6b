"""What the gate asks of a candidate, checked when it is written down."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from ocr_lib.config.checks import one_of
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import parse, whole_numbers

PROOFS = ("none", "no worse", "better")
TESTS = 4  # rows that can refuse an equally good candidate by chance; they share the risk

# Least and greatest value of a threshold; shares are 0 to 1.
BOUNDS: dict[str, tuple[float, float]] = {
    "min_samples": (1, math.inf),
    "min_slice_samples": (1, math.inf),
    "min_character_lines": (1, math.inf),
    "max_latency_ratio": (0, math.inf),
    "max_size_ratio": (0, math.inf),
    "confidence": (0.5, 0.9999),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """What a candidate must reach. Shares are fractions of 1.

    Attributes:
        min_accuracy: smallest share of lines read exactly, spaces counted.
        min_norm_edit_dis: smallest normalised edit similarity.
        min_space_f1: smallest F1 of spaces, where the labels have any.
        min_samples: smallest test set on which a verdict means something.
        max_unreadable_share: largest share of test images that cannot be decoded.
        max_accuracy_drop: how far below the champion's accuracy the candidate may be.
        max_norm_edit_dis_drop: the same of the edit similarity, beyond chance.
        max_cer_rise: how far above the champion's character error rate, beyond chance.
        max_space_f1_drop: how far below the champion's space-F1, beyond chance.
        max_slice_drop: how far the accuracy of any slice may fall, beyond chance.
        min_slice_samples: slices of fewer lines are not looked at.
        max_recall_drop: how far the recall of any character may fall, beyond chance.
        min_character_lines: characters in fewer lines are not looked at.
        max_latency_ratio: largest time a line, in times of the champion's.
        max_size_ratio: largest network file, in times of the champion's.
        confidence: of the verdict. An equally good candidate fails any of the tests against
            chance in at most 1 - `confidence` of the verdicts; with a `proof`, an unworthy one
            passes in at most as many.
        proof: who bears the burden of proof. `none`: a candidate is refused when it is shown
            worse. `no worse`: unless it is shown to be less than `max_accuracy_drop` worse.
            `better`: unless it is shown better.
    """

    min_accuracy: float = 0.0
    min_norm_edit_dis: float = 0.0
    min_space_f1: float = 0.0
    min_samples: int = 100
    max_unreadable_share: float = 0.01
    max_accuracy_drop: float = 0.01
    max_norm_edit_dis_drop: float = 0.01
    max_cer_rise: float = 0.01
    max_space_f1_drop: float = 0.02
    max_slice_drop: float = 0.05
    min_slice_samples: int = 30
    max_recall_drop: float = 0.05
    min_character_lines: int = 20
    max_latency_ratio: float = 1.5
    max_size_ratio: float = 2.0
    confidence: float = 0.95
    proof: Literal["none", "no worse", "better"] = "none"

    def __post_init__(self) -> None:
        one_of(self, PROOFS, "proof")
        for item in fields(self):
            if item.name == "proof":
                continue
            value = getattr(self, item.name)
            low, high = BOUNDS.get(item.name, (0.0, 1.0))
            if not low <= value <= high:
                raise FieldError(self, item.name, f"is {value}", f"Write {low} to {high}")

    @property
    def significance_level(self) -> float:
        """The chance of each test's own to refuse an equally good candidate."""
        return (1.0 - self.confidence) / TESTS

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds thresholds from configuration values.

        Raises:
            ConfigError: an unknown name, or a value of the wrong type or out of range.
        """
        return parse(cls, whole_numbers(values), SourceLocation(("gate",), {}))
