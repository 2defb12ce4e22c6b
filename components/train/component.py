"""Step 5: a network learns the lines."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.images import image
from components.train.task_config import PASSED_ON


@dsl.component(
    base_image=image("train"), install_kfp_package=False, task_config_passthroughs=PASSED_ON
)
def train(
    spec: Input[Artifact],
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    model: Output[Model],
    task_config: dsl.TaskConfig,
    run: str,
) -> None:
    """Trains until the budget is spent; a second attempt goes on from the last checkpoint.

    Args:
        spec: reference to the run spec.
        train_lmdb: reference to the samples to learn from.
        validation_lmdb: reference to the samples that choose the checkpoint; may lead nowhere.
        model: reference to the run directory: checkpoints, configuration, log.
        task_config: what was set on the task, handed on to the pods that train.
        run: names the run in the object store.
    """
    from components.step_context import step_context

    with step_context("train", resume_key=run, run=run) as context:
        from components.train.step import TrainStepRequest, train
        from ocr_lib.storage.artifact_ref import read_optional_ref, read_ref, write_ref

        request = TrainStepRequest(
            run=run,
            spec=read_ref(spec),
            train=read_ref(train_lmdb),
            validation=read_optional_ref(validation_lmdb),
            task=task_config,
        )
        write_ref(model, train(context, request))
