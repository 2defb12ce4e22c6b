"""Training on one machine: from packed lines in the object store to a run directory there."""

import logging
from pathlib import Path
from typing import Any

from ocr_lib.config.schema import Config
from ocr_lib.jobs.heartbeat import HEARTBEAT, HeartbeatUploader
from ocr_lib.jobs.retry import with_retries
from ocr_lib.jobs.snapshots import BEST, LATEST, PREVIOUS, Snapshots
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.runspec.config import config_on_data
from ocr_lib.runspec.config_files import fetch_files
from ocr_lib.runspec.spec_store import load_spec
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, download_source, upload
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
RUN_FOLDER = "run"
FACTS = ("epochs", "steps", "samples", "seconds")  # of a RunResult, for the run's readers


def prepare(store: Store, work: TrainRequest, folder: Path) -> Config:
    """Fetches the data below `folder` and returns the configuration that trains on it there.

    Files that lie there already, whole and unchanged, are not fetched again.

    Raises:
        DataError: the weights to start from, or a file that the configuration names, were changed
            since the run was planned.
        DigestError: the run spec was damaged or replaced.
    """
    spec = load_spec(store, work.spec_digest)
    train = download(store, work.train, folder / "train")
    validation = (
        download(store, work.validation, folder / "validation") if work.validation else None
    )
    settings: dict[str, Any] = {"save_model_dir": str(folder / RUN_FOLDER)}
    if weights := spec.pretrained:
        path, _ = download_source(store, weights.uri, weights.digest, folder / "pretrained")
        settings["pretrained_model"] = str(path)
    yaml = fetch_files(store, spec.config.yaml, spec.config.files, folder / "files")
    return config_on_data(yaml, train, validation, **settings)


def train_here(store: Store, work: TrainRequest, folder: Path) -> ArtifactRef:
    """Trains in this process, checkpoints going up meanwhile; returns the run's result.

    A store that is away when training ends is waited for, see `with_retries`: in a pod the run
    directory goes with the step.

    Raises:
        DataError: the weights to start from were changed since the run was planned.
        ServiceError: the store does not answer, or not in time for the result.
    """
    from ocr_lib.training import train  # takes seconds

    config = prepare(store, work, folder)
    snapshots = Snapshots(store, work.key, folder / RUN_FOLDER)
    snapshots.restore()
    heartbeat = HeartbeatUploader(store, work.key, folder / RUN_FOLDER)
    with snapshots, heartbeat:
        result = train(config)
        heartbeat.flush()
    facts = {name: getattr(result, name) for name in FACTS}
    facts["failed_uploads"] = snapshots.failed

    def publish() -> ArtifactRef:
        pointer = publish_run(store, work, folder / RUN_FOLDER, facts)
        snapshots.clear()
        return pointer

    return with_retries(publish, log.warning)


def publish_run(
    store: Store, work: TrainRequest, run_dir: Path, facts: dict[str, Any]
) -> ArtifactRef:
    """Uploads the run directory and returns what the next steps read.

    The heartbeat is an object of its own under the same key: it is no part of the folder's tree.
    Nor is the checkpoint before the last, which no step reads.
    """
    for path in (run_dir / HEARTBEAT, *run_dir.glob(f"{PREVIOUS}.*")):
        path.unlink(missing_ok=True)
    best = (run_dir / f"{BEST}.json").exists()
    return upload(
        store,
        run_dir,
        work.key,
        run=work.run,
        checkpoint=BEST if best else LATEST,
        spec_digest=work.spec_digest,
        train_digest=work.train.digest,
        validation_digest=work.validation_digest,
        **{**facts, "seconds": round(facts["seconds"], 1)},
    )
