"""Step 9: Triton serves the bundle, and production.json says so."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("serve"), install_kfp_package=False)
def deploy(
    spec: Input[Artifact],
    bundle: Input[Model],
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    deployment: Output[Artifact],
) -> None:
    """Puts the bundle into service on every server; on any failure the former version serves on.

    Args:
        spec: reference to the run spec.
        bundle: reference to the exported model.
        train_lmdb: reference to golden images where there is no validation set.
        validation_lmdb: reference to golden images for the smoke query; may lead nowhere.
        deployment: version and smoke answers.
    """
    from components.step_context import step_context

    with step_context("deploy") as context:
        from components.deploy.step import DeployRequest, deploy, write_deployment
        from ocr_lib.storage.artifact_ref import read_first_ref, read_ref

        request = DeployRequest(
            spec=read_ref(spec),
            bundle=read_ref(bundle),
            images=read_first_ref(validation_lmdb, train_lmdb),
        )
        deployment.metadata.update(write_deployment(deploy(context, request), deployment.path))
