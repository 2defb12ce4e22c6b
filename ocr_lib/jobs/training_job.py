"""What a training run is, wherever it runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ocr_lib.storage.artifact_ref import ArtifactRef


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A run, what it was resolved to, and its data: all that a machine needs to train it.

    Attributes:
        run: names the run; the same name again goes on with it.
        spec_digest: of the run spec, which is in the store under it.
        train: the samples to learn from.
        validation: the samples that choose the checkpoint; None for the last checkpoint.
    """

    run: str
    spec_digest: str
    train: ArtifactRef
    validation: ArtifactRef | None

    @property
    def key(self) -> str:
        """The run's prefix in the object store."""
        return f"runs/{self.run}"

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the result; runs of one name must agree in it."""
        parts = (self.run, self.spec_digest, self.train.digest, self.validation_digest)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def validation_digest(self) -> str:
        """Digest of the validation set; empty where there is none."""
        return self.validation.digest if self.validation else ""

    def to_json(self) -> str:
        """Returns the form that travels to another machine; it holds no secrets."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "TrainRequest":
        """Reads what `to_json` wrote."""
        values: Mapping[str, Any] = json.loads(text)
        return cls(
            values["run"],
            values["spec_digest"],
            ArtifactRef(**values["train"]),
            ArtifactRef(**values["validation"]) if values["validation"] else None,
        )
