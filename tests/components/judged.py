"""One verdict on a real run, for the steps before and after it."""

from pathlib import Path

from components.evaluate import step as evaluate
from components.export.step import ExportRequest, export
from components.step_context import StepContext
from ocr_lib.gate import Thresholds
from ocr_lib.report.evaluation_result import EvaluationResult
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.components.predicted import predict_parts
from tests.components.run_specs import spec_ref
from tests.components.trained_run import Data

LIMITS = Thresholds(min_samples=10, max_accuracy_drop=1.0, max_latency_ratio=3.0)


def context(store: Store, work_dir: Path) -> StepContext:
    work_dir.mkdir()
    return StepContext(store, work_dir)


def judge(
    store: Store, model: ArtifactRef, data: Data, name: str, work: Path, run: str = ""
) -> tuple[EvaluationResult, ArtifactRef]:
    run = run or str(model.metadata["run"])
    parts = predict_parts(store, model, data.test, run, name, work / "parts")
    request = evaluate.EvaluateRequest(
        run=run,
        model=model,
        train=data.train,
        validation=data.validation,
        test=data.test,
        predictions=parts,
        limits=LIMITS,
    )
    return evaluate.evaluate(context(store, work / "evaluate"), request)


def exported(
    context: StepContext, model: ArtifactRef, data: Data, evaluation: ArtifactRef, name: str
) -> ArtifactRef:
    """Exports a candidate under a model's name."""
    spec = spec_ref(context.store, model_name=name)
    request = ExportRequest(spec=spec, model=model, images=data.validation, evaluation=evaluation)
    return export(context, request)
