"""evaluate between object stores: candidate and champion on the same lines → a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.evaluate.costs import measure_costs
from components.evaluate.decisions import record_decision
from components.evaluate.readings import Readings
from components.step_context import StepContext
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION
from ocr_lib.gate import Thresholds, decide
from ocr_lib.registry.champion import open_champion
from ocr_lib.registry.judgement import Judgement
from ocr_lib.report.evaluation_result import Evaluation
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.storage.leaks import refuse_shared_images
from ocr_lib.terminal import echo
from ocr_lib.training import load_run
from ocr_lib.training.recognizer import trained_recognizer


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to evaluate, and on what.

    Attributes:
        model: the run folder.
        train: the samples it learnt from.
        validation: the samples that chose its checkpoint; None where none did.
        test: the samples that decide.
        readings: what candidate and champion read on them, in parts.
        limits: what the candidate must reach.
    """

    model: ArtifactRef
    train: ArtifactRef
    validation: ArtifactRef | None
    test: ArtifactRef
    readings: Sequence[ArtifactRef]
    limits: Thresholds


def evaluate(context: StepContext, request: Request) -> tuple[Evaluation, ArtifactRef]:
    """Counts what a trained run and the model in production read, and decides.

    Args:
        context: of the step.
        request: what to evaluate, and on what.

    Returns:
        What was found, and where it is in the object store.

    Raises:
        DataError: an image is in two of the three sets, or the parts do not fit together.
    """
    store, work = context.store, context.work_dir
    model, test = request.model, request.test
    sets = {TRAIN: request.train, VALIDATION: request.validation, TEST: test}
    refuse_shared_images(store, sets, work / "leaks")
    dataset = LmdbDataset(download(store, test, work / "test"))
    trained = load_run(
        download(store, model, work / "run"),
        model.metadata["checkpoint"],
        allowed_parts=allowed_parts(),
    )
    expected = len(dataset), test.digest, trained.digest
    read = Readings.fetch(store, request.readings, *expected, work / "readings")
    candidate = replace(read.candidate(trained_recognizer(trained), dataset), leaked=0)
    champion, costs = None, None
    if uri := read.common.champion_uri:
        served = open_champion(store, uri, read.common.champion_digest, work / "champion")
        champion = read.champion(served, dataset, [line.index for line in candidate.worst])
        costs = measure_costs(trained, work / "champion", dataset, work / "trial")
    verdict = decide(candidate, champion, request.limits, costs)
    run = model.metadata["run"]
    decision = {
        "run": run,
        "passed": verdict.passed,
        "accuracy": candidate.accuracy,
        "samples": candidate.samples,
        "weights_sha256": trained.digest,
        "champion_digest": read.common.champion_digest,
    }
    judged_so_far = record_decision(store, candidate.dataset_digest, run, decision)
    found = Evaluation(candidate, champion, verdict, costs, judged_so_far)
    echo("\n".join(found.log_lines()), flush=True)
    found.save(work / "evaluation")
    key = f"runs/{run}/evaluation"
    judged = Judgement.against(read.common.champion_version, read.common.champion_digest)
    facts = {
        "weights_sha256": trained.digest,
        "test_digest": test.digest,
        **judged.to_dict(),
    }
    return found, upload(store, work / "evaluation", key, passed=verdict.passed, **facts)
