"""Step 6: candidate and champion predict the test set, each pod its partition."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def read_lines(
    share: dict[str, Any],
    model: Input[Model],
    test_lmdb: Input[Dataset],
    readings: Output[Artifact],
    model_name: str,
) -> None:
    """Reads some neighbouring lines with both models; counts nothing.

    Args:
        share: {"first": …, "last": …}, the lines of this round, as preflight shared them out.
        model: pointer to the run folder.
        test_lmdb: pointer to the samples that decide.
        readings: pointer to what was read, and with which models.
        model_name: whose production the model would take over.
    """
    from components.predict.step import predict_partition
    from components.step_context import step_context
    from ocr_lib.storage.artifact_ref import read_ref, write_ref

    with step_context("read_lines") as context:
        pointers = read_ref(model), read_ref(test_lmdb)
        rows = range(int(share["first"]), int(share["last"]))
        write_ref(readings, predict_partition(context, rows, *pointers, model_name))
