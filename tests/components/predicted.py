"""Predictions as the pipeline has them: the test set in partitions, one after the other."""

from pathlib import Path

from components.predict.step import PredictRequest, predict_partition
from components.preflight.step import share_out
from components.step_context import StepContext
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store


def predict_parts(
    store: Store,
    model: ArtifactRef,
    test: ArtifactRef,
    run: str,
    model_name: str,
    work: Path,
    pods: int = 1,
) -> list[ArtifactRef]:
    """Predicts all samples as several pods would; returns what each hands on."""
    parts = []
    for partition in share_out(test, pods):
        context = StepContext(store, work / f"from-{partition['first']}")
        context.work_dir.mkdir(parents=True)
        request = PredictRequest(
            run=run,
            model=model,
            test=test,
            rows=range(partition["first"], partition["last"]),
            model_name=model_name,
        )
        parts.append(predict_partition(context, request))
    return parts
