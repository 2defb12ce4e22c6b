"""read_lines between object stores: some lines → what candidate and champion read on them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from components.predict.partition_data import download_samples
from components.step_context import StepContext
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.data.base import Dataset
from ocr_lib.evaluation.partition import CANDIDATE, CHAMPION, PredictionPartition
from ocr_lib.evaluation.predictions import Predictor, predict, save
from ocr_lib.registry.champion import open_champion
from ocr_lib.registry.production import read_production
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.training import load_run
from ocr_lib.training.recognizer import trained_recognizer


def predict_partition(
    context: StepContext,
    rows: range,
    model: ArtifactRef,
    test_lmdb: ArtifactRef,
    model_name: str,
) -> ArtifactRef:
    """Reads some lines with a trained run and with the model in production.

    Args:
        context: of the step.
        rows: positions of the samples in the test set.
        model: the run folder.
        test_lmdb: the samples that decide.
        model_name: whose production the candidate would take over.

    Returns:
        Where the readings lie; the pointer's metadata is a `PredictionPartition`.
    """
    store, work = context.store, context.work_dir
    production = read_production(store, model_name)
    dataset = download_samples(store, test_lmdb, rows, work / "test")
    trained = load_run(
        download(store, model, work / "run"),
        model.metadata["checkpoint"],
        allowed_parts=allowed_parts(),
    )
    folder = work / "readings"
    folder.mkdir()
    took = _read(trained_recognizer(trained), dataset, rows, folder / CANDIDATE, context.clock)
    part = PredictionPartition(rows.start, rows.stop, test_lmdb.digest, trained.digest, took)
    if production:
        champion = open_champion(store, production.bundle, production.digest, work / "champion")
        took = _read(champion, dataset, rows, folder / CHAMPION, context.clock)
        part = replace(
            part,
            champion_uri=production.bundle,
            champion_version=production.version,
            champion_digest=production.digest,
            champion_seconds=took,
        )
    key = f"runs/{model.metadata['run']}/readings/{rows.start:09d}-{rows.stop:09d}"
    return upload(store, folder, key, **part.to_dict())


def _read(
    recognizer: Predictor, dataset: Dataset, rows: range, path: Path, clock: Callable[[], float]
) -> float:
    """Writes what is read; returns how many seconds it took."""
    started = clock()
    save(predict(recognizer, dataset, rows), path)
    return clock() - started
