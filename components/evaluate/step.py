"""evaluate between object stores: predictions of candidate and champion → a verdict.

Runs no network: needs neither paddle nor ONNX Runtime.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from components.evaluate.decisions import record_decision
from components.step_context import StepContext
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION
from ocr_lib.errors import DataError
from ocr_lib.evaluation.predictions import (
    CANDIDATE,
    CHAMPION,
    Predictions,
    check_predictions,
    join,
)
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.evaluation.score import score
from ocr_lib.gate import Thresholds, Verdict, decide
from ocr_lib.registry.champion import Champion, read_champion
from ocr_lib.registry.judgement import Judgement
from ocr_lib.report.evaluation_result import EvaluationResult
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.storage.leaks import refuse_shared_images
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest:
    """What to evaluate, and on what.

    Attributes:
        run: names the pipeline run, which has pinned the champion.
        model: the candidate's run directory; nothing of it is read.
        train: the train set; none of its images may be in another one.
        validation: the validation set; None where there is none.
        test: the test set.
        predictions: of candidate and champion on it, in partitions.
        limits: what the candidate must reach.
    """

    run: str
    model: ArtifactRef
    train: ArtifactRef
    validation: ArtifactRef | None
    test: ArtifactRef
    predictions: Sequence[ArtifactRef]
    limits: Thresholds


def evaluate(
    context: StepContext, request: EvaluateRequest
) -> tuple[EvaluationResult, ArtifactRef]:
    """Scores what candidate and champion predicted, and decides.

    Args:
        context: of the step.
        request: what to evaluate, and on what.

    Returns:
        The evaluation, and where it is in the object store.

    Raises:
        DataError: an image is in two of the three sets, or the partitions do not fit together.
    """
    store, work = context.store, context.work_dir
    sets = {TRAIN: request.train, VALIDATION: request.validation, TEST: request.test}
    refuse_shared_images(store, sets, work / "leaks")
    champion = read_champion(store, request.run)
    partitions = [
        download(store, part, work / "predictions" / f"{number:04d}")
        for number, part in enumerate(request.predictions)
    ]
    dataset = LmdbDataset(download(store, request.test, work / "test"))
    expected = len(dataset), request.test.digest
    predictions = _joined(partitions, CANDIDATE)
    check_predictions(predictions, *expected, request.model.digest)
    candidate = replace(score(predictions, dataset), leaked=0)
    served = None
    if champion:
        champion_predictions = _joined(partitions, CHAMPION)
        check_predictions(champion_predictions, *expected, champion.digest)
        served = score(champion_predictions, dataset, watch=[one.index for one in candidate.worst])
    verdict = decide(candidate, served, request.limits, predictions.latency)
    weights = predictions.model.weights_sha256
    count = _record(store, request.run, candidate, verdict, weights, champion)
    evaluation = EvaluationResult(candidate, served, verdict, predictions.latency, count)
    echo("\n".join(evaluation.log_lines()), flush=True)
    evaluation.save(work / "report")
    facts = {
        "passed": verdict.passed,
        "weights_sha256": weights,
        "test_digest": request.test.digest,
        **Judgement.against(champion, passed=verdict.passed).to_dict(),
    }
    return evaluation, upload(store, work / "report", f"evaluations/{request.run}/report", **facts)


def _joined(partitions: Sequence[Path], name: str) -> Predictions:
    """Returns one model's predictions of all partitions."""
    if not partitions:
        raise DataError("the predictions", "there is no partition", "Run the pipeline again")
    return join(Predictions.load(partition / name) for partition in partitions)


def _record(
    store: Store,
    run: str,
    candidate: EvalReport,
    verdict: Verdict,
    weights: str,
    champion: Champion | None,
) -> int:
    """Records the decision; returns how many the test set has made."""
    decision = {
        "run": run,
        "passed": verdict.passed,
        "accuracy": candidate.accuracy,
        "samples": candidate.samples,
        "weights_sha256": weights,
        "champion_digest": champion.digest if champion else "",
    }
    return record_decision(store, candidate.dataset_digest, run, decision)
