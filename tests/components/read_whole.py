"""Evaluation as the pipeline has it: lines shared out and read, a share after the other."""

from pathlib import Path

from components.predict.step import predict_partition
from components.preflight.step import share_out
from ocr_lib.storage.artifact_ref import ArtifactRef


def read_parts(
    model: ArtifactRef, test_lmdb: ArtifactRef, model_name: str, work: Path, pods: int = 1
) -> list[ArtifactRef]:
    """Predicts all samples as several pods would; returns what each hands on."""
    parts = []
    for share in share_out(test_lmdb, pods):
        folder = work / f"from-{share['first']}"
        folder.mkdir(parents=True)
        rows = range(share["first"], share["last"])
        parts.append(predict_partition(rows, model, test_lmdb, model_name, folder))
    return parts
