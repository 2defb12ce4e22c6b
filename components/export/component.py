"""Step 8: the trained network becomes a bundle that computes the same, with proof."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def export(
    model: Input[Model],
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    evaluation: Input[Artifact],
    bundle: Output[Model],
    model_name: str,
    inputs: str = "",
) -> None:
    """Exports the best checkpoint to Paddle's format and ONNX; no certificate, no bundle.

    Args:
        model: pointer to the run directory.
        train_lmdb: pointer to images for the certificate where there is no validation set.
        validation_lmdb: pointer to the images on which all forms must agree; may lead nowhere.
        evaluation: pointer to the figures that stay with the model.
        bundle: pointer to the exported model in the registry.
        model_name: whose registry it goes to.
        inputs: what the model was made of, as the plan wrote it; stays with the model.
    """
    from components.step_context import step_context

    with step_context("export") as context:
        from components.export.step import export
        from ocr_lib.storage.artifact_ref import read_first_pointer, read_ref, write_ref

        images = read_first_pointer(validation_lmdb, train_lmdb)
        pointers = read_ref(model), images, read_ref(evaluation)
        write_ref(bundle, export(context, *pointers, model_name, inputs))
