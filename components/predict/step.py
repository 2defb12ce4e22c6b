"""predict between object stores: a partition of the test set → predictions of both models."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from components.predict.latency import time_both
from components.predict.partition_data import download_samples
from components.step_context import StepContext
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.digest import sha256_file
from ocr_lib.evaluation.predict import predict
from ocr_lib.evaluation.predictions import CANDIDATE, CHAMPION, FORMAT
from ocr_lib.inference.bundle import ONNX
from ocr_lib.registry.champion import Champion, open_champion, pin_champion
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.training import load_run
from ocr_lib.training.recognizer import trained_recognizer


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictRequest:
    """What to predict, and with which models.

    Attributes:
        run: names the pipeline run; all its partitions are about one champion.
        model: the candidate's run directory.
        test: the test set.
        rows: positions of the samples in it.
        model_name: whose production the candidate would take over.
    """

    run: str
    model: ArtifactRef
    test: ArtifactRef
    rows: range
    model_name: str


def predict_partition(context: StepContext, request: PredictRequest) -> ArtifactRef:
    """Predicts a partition with the candidate and with the champion.

    A partition that was predicted before, by the same models on the same samples, is returned as
    it is. The first one also times both models, in turn, for the gate's budgets.

    Args:
        context: of the step.
        request: what to predict.

    Returns:
        Where the predictions are: a file of each model.
    """
    store = context.store
    champion = pin_champion(store, request.run, request.model_name)
    rows = request.rows
    name = f"{rows.start:09d}-{rows.stop:09d}-{_digest(request, champion)[:16]}"
    key = f"predictions/{request.run}/{name}"
    facts = {"first": rows.start, "last": rows.stop}
    if finished := store.find_tree(key):
        return ArtifactRef(store.uri(key), finished.digest, facts)
    folder = context.work_dir / "predictions"
    folder.mkdir()
    _predict(context, request, champion, folder)
    return upload(store, folder, key, **facts)


def _predict(
    context: StepContext, request: PredictRequest, champion: Champion | None, folder: Path
) -> None:
    """Writes the predictions of both models into a folder."""
    store, work = context.store, context.work_dir
    model, test, rows = request.model, request.test, request.rows
    dataset = download_samples(store, test, rows, work / "test")
    checkpoint = model.metadata["checkpoint"]
    trained = load_run(
        download(store, model, work / "run"), checkpoint, allowed_parts=allowed_parts()
    )
    candidate = predict(
        trained_recognizer(trained),
        dataset,
        rows,
        model_digest=model.digest,
        weights_sha256=trained.digest,
        dataset_digest=test.digest,
    )
    if champion:
        bundle = work / "champion"
        served = predict(
            open_champion(store, champion, bundle),
            dataset,
            rows,
            model_digest=champion.digest,
            weights_sha256=sha256_file(bundle / ONNX),
            dataset_digest=test.digest,
        )
        served.save(folder / CHAMPION)
        if rows.start == 0:
            times = time_both(trained, bundle, dataset, rows, work / "trial")
            candidate = replace(candidate, latency=times)
    candidate.save(folder / CANDIDATE)


def _digest(request: PredictRequest, champion: Champion | None) -> str:
    """Returns a digest of all that decides what is predicted."""
    facts = {
        "format": FORMAT,
        "model": request.model.digest,
        "checkpoint": request.model.metadata["checkpoint"],
        "champion": champion and champion.digest,
        "test": request.test.digest,
        "rows": [request.rows.start, request.rows.stop],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
