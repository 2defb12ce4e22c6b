"""Step 6: candidate and champion predict the test set, each pod its partition."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def predict(
    partition: dict[str, Any],
    spec: Input[Artifact],
    model: Input[Model],
    test_lmdb: Input[Dataset],
    predictions: Output[Artifact],
    run: str,
) -> None:
    """Predicts neighbouring samples of the test set with both models; compares nothing.

    Args:
        partition: {"first": …, "last": …}, positions of the samples, as preflight split them.
        spec: reference to the run spec.
        model: reference to the run directory.
        test_lmdb: reference to the test set.
        predictions: reference to the predictions of both models.
        run: names the pipeline run, for which the champion is pinned.
    """
    from components.step_context import step_context

    with step_context("predict", run=run) as context:
        from components.predict.step import PredictRequest, predict_partition
        from ocr_lib.runspec.spec_store import load_spec
        from ocr_lib.storage.artifact_ref import read_ref, write_ref

        request = PredictRequest(
            run=run,
            model=read_ref(model),
            test=read_ref(test_lmdb),
            rows=range(int(partition["first"]), int(partition["last"])),
            model_name=load_spec(context.store, read_ref(spec).digest).model_name,
        )
        write_ref(predictions, predict_partition(context, request))
