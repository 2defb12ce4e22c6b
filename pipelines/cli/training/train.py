"""`ocr train`: trains what a configuration says."""

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.config_options import ConfigChoice, with_config


@command("train")
@with_config
@option("--fresh", is_flag=True, help="start over in a used run directory")
def train(choice: ConfigChoice, fresh: bool) -> None:
    """Train a recognition network.

    The run directory is Global.save_model_dir: checkpoints (best_accuracy, latest, iter_epoch_N),
    config.yml, train.log, metrics.jsonl.

    The same command goes on where it was stopped, from the last checkpoint, and ends with the
    weights that an uninterrupted run would have.

    Examples:
      ocr train -c cpu_line -o Train.dataset.data_dir=data/train Eval.dataset.data_dir=data/eval
      ocr train -c my.yml -o Global.epoch_num=20 -o Global.save_model_dir=runs/a
      ocr train -c my.yml -o Global.train_minutes=20
      ocr train -c my.yml -o Global.pretrained_model=runs/a/best_accuracy
    """
    config = choice.read()  # before paddle, whose import takes seconds
    from ocr_lib.training import train as run_training

    with config.naming_lines():
        result = run_training(config, fresh=fresh)
    best = "no sample recognised correctly so far"
    if result.best:
        best = f"best acc {result.best['acc']:.4f}"
    elif not config.eval.dataset.named:
        best = "no validation set"
    echo(
        f"{result.run_dir}: {result.epochs} epochs, {result.steps} steps, {best}; "
        f"the checkpoint to use is {result.run_dir / result.checkpoint}"
    )
