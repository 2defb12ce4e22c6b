"""Which lines were read, and with what: goes with the readings, and is compared before counting."""

from dataclasses import asdict, dataclass
from typing import Any, Self

CANDIDATE, CHAMPION = "candidate.jsonl", "champion.jsonl"  # files of the predictions


@dataclass(frozen=True, slots=True)
class PredictionPartition:
    """What one pod read.

    Attributes:
        first: position of its first line in the test set.
        last: position behind its last line.
        test_digest: of the test set.
        weights_sha256: of the candidate.
        candidate_seconds: how long the candidate read.
        champion_uri: bundle of the model in production; empty where nothing serves yet.
        champion_digest: of that bundle; empty where nothing serves yet.
        champion_seconds: how long it read.
        champion_version: its number; 0 where nothing serves yet.
    """

    first: int
    last: int
    test_digest: str
    weights_sha256: str
    candidate_seconds: float
    champion_uri: str = ""
    champion_digest: str = ""
    champion_seconds: float = 0.0
    champion_version: int = 0

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Reads what `to_dict` returned."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)
