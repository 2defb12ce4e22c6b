"""export between object stores: a run folder → a certified bundle in the registry."""

from pathlib import Path

from components.deploy.production import check_model_name
from components.evaluate.evaluation import Evaluation
from components.plan.step import LINEAGE
from components.shared.handoff import fetch, publish
from components.shared.pointer import Pointer
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.export import export as export_bundle


def export(
    model: Pointer,
    eval_lmdb: Pointer,
    evaluation: Pointer,
    model_name: str,
    work: Path,
    inputs: str = "",
) -> Pointer:
    """Exports the best checkpoint of a run and uploads the bundle under its digest.

    Args:
        model: the run folder.
        eval_lmdb: held-out lines for the parity certificate.
        evaluation: the figures that stay with the model.
        model_name: whose registry it goes to.
        work: an empty folder.
        inputs: what the model was made of, as the plan wrote it; stays with the model.

    Raises:
        ExportError: an exported form computes something else than the trained network.
    """
    check_model_name(model_name)
    metrics = Evaluation.load(fetch(evaluation, work / "evaluation")).metrics()
    bundle = export_bundle(
        fetch(model, work / "run"),
        work / "bundle",
        checkpoint=model.metadata["checkpoint"],
        dataset=LmdbDataset(fetch(eval_lmdb, work / "eval")),
        metrics=metrics,
        lineage={
            "run": model.metadata["run"],
            "train_data": model.metadata["train_digest"],
            "eval_data": eval_lmdb.digest,
            LINEAGE: inputs,
        },
    )
    return publish(
        bundle.root,
        f"registry/{model_name}/bundles/{{digest}}",
        **metrics,
        parity_max_abs_diff=bundle.parity["max_abs_diff"],
        parity_texts_equal=bundle.parity["texts_equal"],
    )
