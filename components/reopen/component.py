"""First step of judging again: what an earlier run was judged on."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Model, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def reopen(
    run: str,
    spec: Output[Artifact],
    model: Output[Model],
    train_lmdb: Output[Dataset],
    validation_lmdb: Output[Dataset],
    test_lmdb: Output[Dataset],
) -> list[dict[str, Any]]:
    """Hands on run spec, model and data sets of a run that was judged before.

    Args:
        run: names that run.
        spec: reference to its run spec.
        model: reference to its run folder.
        train_lmdb: reference to the samples that it learnt from.
        validation_lmdb: reference to the samples that chose its checkpoint; may lead nowhere.
        test_lmdb: reference to the samples that decide.

    Returns:
        The test set's samples in partitions, {"first": …, "last": …} each.
    """
    from components.step_context import step_context

    with step_context("reopen") as context:
        from components.reopen.step import ReopenRequest, reopen
        from ocr_lib.storage.artifact_ref import write_ref

        record, partitions = reopen(context, ReopenRequest(run=run))
        write_ref(spec, record.spec)
        write_ref(model, record.model)
        write_ref(train_lmdb, record.train)
        write_ref(validation_lmdb, record.validation)
        write_ref(test_lmdb, record.test)
        return partitions
