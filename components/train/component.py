"""Step 4: a network learns the lines."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from components.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def train(
    train_lmdb: Input[Dataset],
    eval_lmdb: Input[Dataset],
    model: Output[Model],
    run: str,
    config: str,
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default, nobody changes it)
    train_minutes: float = 0.0,
    pretrained_uri: str = "",
    train_backend: str = "local",
) -> None:
    """Trains until the budget is spent; a second attempt goes on from the last checkpoint.

    Args:
        train_lmdb: pointer to the lines to learn from.
        eval_lmdb: pointer to the lines that decide which checkpoint is best.
        model: pointer to the run folder: checkpoints, configuration, log.
        run: names the run in the object store.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        train_minutes: how long; 0 leaves it to the configuration.
        pretrained_uri: weights to start from (`.pdparams`); empty for none.
        train_backend: `local` trains in this step.
    """
    from components.shared.pointer import read_pointer, write_pointer
    from components.shared.step import step
    from components.train.step import TrainJob, train

    with step("train", resume_key=run) as work:
        job = TrainJob(run, config, config_overrides, train_minutes, pretrained_uri, train_backend)
        data = read_pointer(train_lmdb), read_pointer(eval_lmdb)
        write_pointer(model, train(job, *data, work))
