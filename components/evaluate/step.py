"""evaluate between object stores: candidate and champion on the same lines → a verdict."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.deploy.production import Production, read_production
from components.evaluate.costs import measure_costs, trained_recognizer
from components.evaluate.evaluation import Evaluation
from components.evaluate.leaks import refuse_leaked_images
from components.shared.handoff import fetch, publish
from components.shared.pointer import Pointer
from components.shared.store import Store
from ocr_lib.bundle import Bundle
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import DataError
from ocr_lib.evaluation.evaluate import evaluate as evaluate_recognizer
from ocr_lib.gate import Thresholds, decide
from ocr_lib.predict import open_bundle
from ocr_lib.recognize import Recognizer
from ocr_lib.train import load_run


def thresholds(
    min_accuracy_fraction: float,
    min_norm_edit_dis: float,
    min_samples: int,
    max_accuracy_drop_fraction: float,
    more: Mapping[str, Any],
) -> Thresholds:
    """Returns the gate's thresholds from the pipeline's parameters.

    Args:
        min_accuracy_fraction: as in `Thresholds`, where it has no unit in its name.
        min_norm_edit_dis: as in `Thresholds`.
        min_samples: as in `Thresholds`.
        max_accuracy_drop_fraction: as in `Thresholds`.
        more: any threshold by its name there.
    """
    named = {
        "min_accuracy": min_accuracy_fraction,
        "min_norm_edit_dis": min_norm_edit_dis,
        "min_samples": min_samples,
        "max_accuracy_drop": max_accuracy_drop_fraction,
    }
    return Thresholds.from_dict({**named, **more})


def evaluate(
    model: Pointer,
    train_lmdb: Pointer,
    eval_lmdb: Pointer,
    model_name: str,
    limits: Thresholds,
    work: Path,
) -> tuple[Evaluation, Pointer]:
    """Evaluates a trained run and the model in production, and decides.

    Args:
        model: the run folder.
        train_lmdb: the lines it learnt from.
        eval_lmdb: the lines that decide.
        model_name: whose production the candidate would take over.
        limits: what it must reach.
        work: an empty folder.

    Returns:
        What was found, and where it lies in the object store.

    Raises:
        DataError: an evaluation image is a training image too.
    """
    dataset = LmdbDataset(fetch(eval_lmdb, work / "eval"))
    refuse_leaked_images(train_lmdb, dataset, work / "train")
    trained = load_run(fetch(model, work / "run"), model.metadata["checkpoint"])
    candidate = replace(evaluate_recognizer(trained_recognizer(trained), dataset), leaked=0)
    champion, costs = None, None
    if recognizer := _champion(model_name, work / "champion"):
        watch = [line.index for line in candidate.worst]
        champion = evaluate_recognizer(recognizer, dataset, watch=watch)
        costs = measure_costs(trained, work / "champion", dataset, work / "trial")
    verdict = decide(candidate, champion, limits, costs)
    found = Evaluation(candidate, champion, verdict, costs)
    found.save(work / "evaluation")
    key = f"runs/{model.metadata['run']}/evaluation"
    weights = {"weights_sha256": trained.digest}
    return found, publish(work / "evaluation", key, passed=verdict.passed, **weights)


def _champion(model_name: str, folder: Path) -> Recognizer | None:
    """Opens the model in production just as it serves; None where nothing serves yet."""
    store = Store.from_env()
    production = read_production(store, model_name)
    if production is None:
        return None
    store.get_tree(production.bundle, folder)
    _check(production, Bundle.open(folder, verify=False).digest)
    return open_bundle(folder, threads=len(os.sched_getaffinity(0)))


def _check(production: Production, found: str) -> None:
    if found != production.digest:
        raise DataError(
            production.bundle,
            f"the bundle's digest is {found}, production.json says {production.digest}",
            "Restore the bundle, or roll back to another version",
        )
