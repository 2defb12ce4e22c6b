"""Step 8: the trained network becomes a bundle that computes the same, with proof."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def export(
    spec: Input[Artifact],
    model: Input[Model],
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    evaluation: Input[Artifact],
    bundle: Output[Model],
) -> None:
    """Exports the best checkpoint to Paddle's format and ONNX; no certificate, no bundle.

    Args:
        spec: reference to the run spec.
        model: reference to the run directory.
        train_lmdb: reference to images for the certificate where there is no validation set.
        validation_lmdb: reference to the images on which all forms must agree; may lead nowhere.
        evaluation: reference to the figures that stay with the model.
        bundle: reference to the exported model in the registry.
    """
    from components.step_context import step_context

    with step_context("export") as context:
        from components.export.step import ExportRequest, export
        from ocr_lib.storage.artifact_ref import read_first_ref, read_ref, write_ref

        request = ExportRequest(
            spec=read_ref(spec),
            model=read_ref(model),
            images=read_first_ref(validation_lmdb, train_lmdb),
            evaluation=read_ref(evaluation),
        )
        write_ref(bundle, export(context, request))
