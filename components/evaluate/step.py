"""evaluate between object stores: candidate and champion on the same lines → a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.deploy.champion import open_champion
from components.deploy.judgement import Judgement
from components.evaluate.costs import measure_costs
from components.evaluate.evaluation import Evaluation
from components.evaluate.leaks import refuse_leaked_images
from components.evaluate.readings import Readings
from components.shared.handoff import fetch, publish
from components.shared.pointer import Pointer
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.gate import Thresholds, decide
from ocr_lib.train import load_run
from ocr_lib.train.recognizer import trained_recognizer


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
    readings: Sequence[Pointer],
    limits: Thresholds,
    work: Path,
) -> tuple[Evaluation, Pointer]:
    """Counts what a trained run and the model in production read, and decides.

    Args:
        model: the run folder.
        train_lmdb: the lines it learnt from.
        eval_lmdb: the lines that decide.
        readings: what both read, in parts.
        limits: what it must reach.
        work: an empty folder.

    Returns:
        What was found, and where it lies in the object store.

    Raises:
        DataError: an evaluation image is a training image too, or the parts do not fit together.
    """
    dataset = LmdbDataset(fetch(eval_lmdb, work / "eval"))
    refuse_leaked_images(train_lmdb, dataset, work / "train")
    trained = load_run(
        fetch(model, work / "run"), model.metadata["checkpoint"], allowed_parts=allowed_parts()
    )
    expected = len(dataset), eval_lmdb.digest, trained.digest
    read = Readings.fetch(readings, *expected, work / "readings")
    candidate = replace(read.candidate(trained_recognizer(trained), dataset), leaked=0)
    champion, costs = None, None
    if uri := read.common.champion_uri:
        served = open_champion(uri, read.common.champion_digest, work / "champion")
        champion = read.champion(served, dataset, [line.index for line in candidate.worst])
        costs = measure_costs(trained, work / "champion", dataset, work / "trial")
    verdict = decide(candidate, champion, limits, costs)
    found = Evaluation(candidate, champion, verdict, costs)
    found.save(work / "evaluation")
    key = f"runs/{model.metadata['run']}/evaluation"
    judged = Judgement.against(read.common.champion_version, read.common.champion_digest)
    facts = {"weights_sha256": trained.digest, **judged.to_dict()}
    return found, publish(work / "evaluation", key, passed=verdict.passed, **facts)
