"""Step 9: Triton serves the bundle, and production.json says so."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("serve"), install_kfp_package=False)
def deploy(
    bundle: Input[Model],
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    deployment: Output[Artifact],
    model_name: str,
    triton_urls: list[str],
) -> None:
    """Puts the bundle into service on every server; on any failure the former version serves on.

    Args:
        bundle: pointer to the exported model.
        train_lmdb: pointer to golden images where there is no validation set.
        validation_lmdb: pointer to golden images for the smoke query; may lead nowhere.
        deployment: version and smoke answers.
        model_name: its name in Triton and in the registry.
        triton_urls: `host:port` of every server's gRPC protocol.
    """
    from components.step_context import step_context

    with step_context("deploy") as context:
        from components.deploy.step import deploy, write_deployment
        from ocr_lib.storage.artifact_ref import read_first_pointer, read_ref

        pointers = read_ref(bundle), read_first_pointer(validation_lmdb, train_lmdb)
        result = deploy(context, *pointers, model_name, triton_urls)
        deployment.metadata.update(write_deployment(result, deployment.path))
