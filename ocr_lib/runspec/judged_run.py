"""What a run was judged on, kept in the store, so that it can be judged again without training.

`evaluations/<run>/inputs.json` is written before a run is judged for the first time, and stays.
"""

from dataclasses import asdict, dataclass

from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import parse
from ocr_lib.errors import ConfigError
from ocr_lib.runspec.spec_store import check_run
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """Where everything is that a judgement needs.

    Attributes:
        spec: the run spec.
        model: the run folder.
        train: the train set.
        validation: the validation set; None where there is none.
        test: the test set.
    """

    spec: ArtifactRef
    model: ArtifactRef
    train: ArtifactRef
    validation: ArtifactRef | None
    test: ArtifactRef


def save_record(store: Store, run: str, record: JudgedRun) -> None:
    """Writes the record of a run; the same again changes nothing."""
    store.put_json(_key(run), asdict(record))


def load_record(store: Store, run: str) -> JudgedRun:
    """Reads the record of a run.

    Raises:
        ConfigError: the run was never judged, or the record does not hold together.
    """
    key = _key(run)
    try:
        values = store.get_json(key)
    except MissingObjectError:
        fix = "Give the id of a run whose step Evaluate and decide has begun"
        raise ConfigError("run", f"{run} was never judged", fix) from None
    return parse(JudgedRun, values, SourceLocation((), {(): store.uri(key)}))


def _key(run: str) -> str:
    return f"evaluations/{check_run(run)}/inputs.json"
