"""Step 5: a network learns the lines."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from components.images import image
from components.train.task_config import PASSED_ON


@dsl.component(
    base_image=image("train"), install_kfp_package=False, task_config_passthroughs=PASSED_ON
)
def train(
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    model: Output[Model],
    task_config: dsl.TaskConfig,
    run: str,
    config: str,
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default; it is never changed)
    train_minutes: float = 0.0,
    pretrained_uri: str = "",
    train_backend: str = "local",
    train_workers: int = 1,
    train_job_options: dict = {},  # type: ignore[type-arg]  # noqa: B006
    train_image: str = "",
) -> None:
    """Trains until the budget is spent; a second attempt goes on from the last checkpoint.

    Args:
        train_lmdb: pointer to the samples to learn from.
        validation_lmdb: pointer to the samples that choose the checkpoint; may lead nowhere.
        model: pointer to the run directory: checkpoints, configuration, log.
        task_config: what was set on the task, handed on to the pods that train.
        run: names the run in the object store.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        train_minutes: how long; 0 leaves it to the configuration.
        pretrained_uri: weights to start from (`.pdparams`); empty for none.
        train_backend: `local` trains in this step, `paddlejob` in pods of its own.
        train_workers: how many pods; devices of each as set on the task.
        train_job_options: queue, deadlines, retries; see `ocr_lib/runspec/job_options.py`.
        train_image: of the pods; the step's own, which the pipeline fills in.
    """
    from components.step_context import step_context

    with step_context("train", resume_key=run) as context:
        from components.train.step import train
        from ocr_lib.jobs.resources import WorkerResources
        from ocr_lib.jobs.training_job import TrainJob
        from ocr_lib.storage.artifact_ref import read_optional_pointer, read_ref, write_ref

        overrides = tuple(config_overrides)
        job = TrainJob(run, config, overrides, train_minutes, pretrained_uri, train_backend)
        place = WorkerResources.of_task(train_image, train_workers, task_config, train_job_options)
        data = read_ref(train_lmdb), read_optional_pointer(validation_lmdb)
        write_ref(model, train(context, job, *data, place))
