"""The gate's answer: a verdict, and the reasons it rests on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the verdict.

    Attributes:
        name: the row's name in the table of `ocr_lib.gate`.
        passed: whether the candidate may serve as far as this row goes.
        candidate: the candidate's figure, where the row has one.
        limit: what the figure was held against.
        champion: the champion's figure, where the row compares.
        words: the row as a sentence.
    """

    name: str
    passed: bool
    candidate: float | None
    limit: float | None
    champion: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision: passed when every reason did."""

    passed: bool
    reasons: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the verdict as JSON-ready values."""
        return {"passed": self.passed, "reasons": [asdict(reason) for reason in self.reasons]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` returned."""
        return cls(values["passed"], tuple(Check(**reason) for reason in values["reasons"]))
