"""What a run leaves in the object store beside its checkpoints: result, reasons, logs."""

from typing import Any

from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store


def result_key(run_key: str) -> str:
    """Returns the key of the result: there once the run directory is complete."""
    return f"{run_key}/result.json"


def reason_key(run_key: str) -> str:
    """Returns the key of what was found at the run's end."""
    return f"{run_key}/reason.json"


def log_key(run_key: str, attempt: int, pod: str) -> str:
    """Returns the key of a worker's log."""
    return f"{run_key}/logs/{attempt:02d}/{pod}.log"


def write_result(store: Store, work: TrainRequest, pointer: ArtifactRef) -> None:
    """Says that the run is complete, and where."""
    value = {"uri": pointer.uri, "digest": pointer.digest, "metadata": pointer.metadata}
    store.put_json(result_key(work.key), {"work": work.digest, "pointer": value})


def read_result(store: Store, work: TrainRequest) -> ArtifactRef | None:
    """Returns the run's result, or None where there is none of this very work."""
    try:
        value: dict[str, Any] = store.get_json(result_key(work.key))
    except MissingObjectError:
        return None
    return ArtifactRef(**value["pointer"]) if value.get("work") == work.digest else None
