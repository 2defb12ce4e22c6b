"""export between object stores: a run directory → a certified bundle in the registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from components.step_context import StepContext
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import ExportError
from ocr_lib.export import export as export_bundle
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.lineage import RUN_SPEC
from ocr_lib.report.evaluation_result import EvaluationResult
from ocr_lib.runspec.spec_store import load_spec
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What to export.

    Attributes:
        spec: the run spec.
        model: the run directory.
        images: samples for the parity certificate.
        evaluation: the figures that stay with the model.
    """

    spec: ArtifactRef
    model: ArtifactRef
    images: ArtifactRef
    evaluation: ArtifactRef


def export(context: StepContext, request: ExportRequest) -> ArtifactRef:
    """Exports the best checkpoint of a run and uploads the bundle under its digest.

    Raises:
        CheckpointError: these are not the weights that were evaluated.
        ExportError: an exported form computes something else than the trained network; the
            tensors that differ are in the store.
    """
    store, work = context.store, context.work_dir
    model, evaluation = request.model, request.evaluation
    model_name = load_spec(store, request.spec.digest).model_name
    metrics = EvaluationResult.load(download(store, evaluation, work / "evaluation")).metrics()
    judgement = Judgement.from_dict(evaluation.metadata)
    lineage = {
        "run": model.metadata["run"],
        "train_data": model.metadata["train_digest"],
        "validation_data": model.metadata.get("validation_digest", ""),
        "test_data": evaluation.metadata["test_digest"],
        RUN_SPEC: request.spec.digest,
        **(judgement.to_dict() if judgement else {}),
    }
    with _evidence_kept(context, lineage["run"]):
        bundle = export_bundle(
            download(store, model, work / "run"),
            work / "bundle",
            checkpoint=model.metadata["checkpoint"],
            dataset=LmdbDataset(download(store, request.images, work / "images")),
            metrics=metrics,
            lineage=lineage,
            weights_sha256=evaluation.metadata["weights_sha256"],
            allowed_parts=allowed_parts(),
        )
    return upload(
        store,
        bundle.root,
        f"registry/{model_name}/bundles/{{digest}}",
        **metrics,
        parity_max_abs_diff=bundle.parity["max_abs_diff"],
        parity_texts_equal=bundle.parity["texts_equal"],
    )


@contextmanager
def _evidence_kept(context: StepContext, run: str) -> Iterator[None]:
    """Uploads the tensors of a failed certificate: this machine's disk goes with the step."""
    try:
        yield
    except ExportError as error:
        files = sorted(context.work_dir.glob("*.parity-failure.npz"))
        key = f"runs/{run}/parity"
        uris = [context.store.put_file(path, f"{key}/{path.name}") for path in files]
        raise ExportError(
            f"{error}, uploaded as {', '.join(uris)}" if uris else str(error)
        ) from error
