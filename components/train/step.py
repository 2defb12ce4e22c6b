"""train between object stores: packed lines and a configuration → a run folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.shared.handoff import fetch, publish
from components.shared.pointer import Pointer
from components.shared.run_config import run_config
from components.shared.store import Store
from components.train.backends import find_backend
from components.train.snapshots import Snapshots
from ocr_lib.train import checkpoint
from ocr_lib.train.run_folder import BEST, LATEST

RUN_FOLDER = "run"


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
    overrides: Sequence[str] = ()
    minutes: float = 0.0
    pretrained_uri: str = ""
    backend: str = "local"


def train(job: TrainJob, train_lmdb: Pointer, eval_lmdb: Pointer, work: Path) -> Pointer:
    """Trains, and uploads the run folder; goes on where an earlier attempt of the run stopped.

    Args:
        job: what to train.
        train_lmdb: the lines to learn from.
        eval_lmdb: the lines that decide which checkpoint is best.
        work: a folder at the same path in every attempt, since the configuration names it.
    """
    backend = find_backend(job.backend)
    run_dir = work / RUN_FOLDER
    data = fetch(train_lmdb, work / "train"), fetch(eval_lmdb, work / "eval")
    config = run_config(job.config, [*job.overrides, *_overrides(job, work)], *data, work)
    snapshots = Snapshots(Store.from_env(), f"runs/{job.run}", run_dir)
    snapshots.restore()
    with snapshots:
        result = backend(config)
    pointer = publish(
        run_dir,
        f"runs/{job.run}",
        run=job.run,
        checkpoint=BEST if checkpoint.exists(run_dir / BEST) else LATEST,
        config=job.config,
        train_digest=train_lmdb.digest,
        epochs=result.epochs,
        steps=result.steps,
        samples=result.samples,
        seconds=round(result.seconds, 1),
    )
    snapshots.clear()
    return pointer


def _overrides(job: TrainJob, work: Path) -> list[str]:
    """Returns this run's folder, length and first weights as overrides of the configuration."""
    values: dict[str, str | float] = {"save_model_dir": str(work / RUN_FOLDER)}
    if job.minutes:
        values["train_minutes"] = job.minutes
    if job.pretrained_uri:
        weights = Store.from_env().fetch_source(job.pretrained_uri, work / "pretrained")
        values["pretrained_model"] = str(weights)
    return [f"Global.{key}={json.dumps(value)}" for key, value in values.items()]
