"""What a run decided when it began, stored, so that a resumed run does the same."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ocr_lib.atomic import write_json

RUN_RECORD = "run.json"


@dataclass(frozen=True)
class RunRecord:
    """What a run began with, stored as `run.json` in its folder.

    Attributes:
        epochs: passes over the training samples.
        config_digest: SHA-256 of what decides the result (networks, data, optimiser, …).
        samples: training samples used.
    """

    epochs: int
    config_digest: str
    samples: int

    def save(self, run_dir: Path) -> None:
        """Writes the record."""
        write_json(run_dir / RUN_RECORD, asdict(self))

    @classmethod
    def load(cls, run_dir: Path) -> "RunRecord | None":
        """Reads the record of a run directory; None where no run has begun."""
        path = run_dir / RUN_RECORD
        return cls(**json.loads(path.read_text("utf-8"))) if path.exists() else None
