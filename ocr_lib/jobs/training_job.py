"""What a training run is, wherever it runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ocr_lib.storage.artifact_ref import ArtifactRef


@dataclass(frozen=True, slots=True)
class TrainJob:
    """What to train.

    Attributes:
        run: names the run; the same name again goes on with it.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        overrides: `Key.sub=value` each.
        minutes: how long; 0 leaves it to the configuration.
        pretrained_uri: weights to start from (`.pdparams`); empty for none.
        backend: where training runs, see `backends.py`.
    """

    run: str
    config: str
    overrides: tuple[str, ...] = ()
    minutes: float = 0.0
    pretrained_uri: str = ""
    backend: str = "local"


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A run and the data it is for: all that a machine needs to train it.

    Attributes:
        job: what to train.
        train: the samples to learn from.
        validation: the samples that choose the checkpoint; None for the last checkpoint.
    """

    job: TrainJob
    train: ArtifactRef
    validation: ArtifactRef | None

    @property
    def key(self) -> str:
        """The run's prefix in the object store."""
        return f"runs/{self.job.run}"

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the result; runs of one name must agree in it."""
        parts = (asdict(self.job), self.train.digest, self.validation_digest)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

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
        job = values["job"]
        return cls(
            TrainJob(**{**job, "overrides": tuple(job["overrides"])}),
            ArtifactRef(**values["train"]),
            ArtifactRef(**values["validation"]) if values["validation"] else None,
        )
