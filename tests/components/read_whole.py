"""Evaluation as the pipeline has it: lines shared out and read, a share after the other."""

from pathlib import Path

from components.predict.step import predict_partition
from components.preflight.step import share_out
from components.step_context import StepContext
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store


def read_parts(
    store: Store,
    model: ArtifactRef,
    test_lmdb: ArtifactRef,
    model_name: str,
    work: Path,
    pods: int = 1,
) -> list[ArtifactRef]:
    """Predicts all samples as several pods would; returns what each hands on."""
    parts = []
    for share in share_out(test_lmdb, pods):
        context = StepContext(store, work / f"from-{share['first']}")
        context.work_dir.mkdir(parents=True)
        rows = range(share["first"], share["last"])
        parts.append(predict_partition(context, rows, model, test_lmdb, model_name))
    return parts
