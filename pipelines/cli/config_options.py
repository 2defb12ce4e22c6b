"""The options -c, -o and --allow-part, and the checkpoint that a configuration names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocr_lib.config.custom_parts import FORM, OPTION, VARIABLE, allowed_parts
from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config
from ocr_lib.terminal import echo
from pipelines.cli.command import as_one, option
from pipelines.cli.options import name_or_file

if TYPE_CHECKING:
    from ocr_lib.inference.recognizer import Recognizer
    from ocr_lib.training import TrainedModel

BEST, LATEST = "best_accuracy", "latest"
CONFIG_HELP = "a configuration file, or the name of a shipped one (see `ocr config list`)"
OVERRIDE_HELP = "set one value, e.g. -o Global.epoch_num=10; may be repeated, the last one counts"
PART_HELP = (
    "let the configuration import this network part or augmentation of your own, which runs its "
    f"code; may be repeated ({VARIABLE} holds more, separated by commas)"
)


@dataclass(frozen=True, slots=True)
class ConfigChoice:
    """Which configuration a command uses, not read yet."""

    config: str
    opt: tuple[str, ...]
    allow_part: tuple[str, ...]

    def read(self) -> Config:
        """Returns the configuration.

        Raises:
            ConfigError: it cannot be read, or a key or value is not accepted.
        """
        return load_config(self.config, self.opt, allowed_parts(self.allow_part))


overrides = option(
    "-o", "--opt", type=str, several=True, metavar="KEY=VALUE ...", help=OVERRIDE_HELP
)
allow_part = option(OPTION, "allow_part", multiple=True, metavar=FORM.upper(), help=PART_HELP)
with_config: Callable[[Callable[..., Any]], Callable[..., Any]] = as_one(
    "choice",
    ConfigChoice,
    option("-c", "--config", type=name_or_file, required=True, metavar="FILE", help=CONFIG_HELP),
    overrides,
    allow_part,
)


def checkpoint_of(config: Config) -> Path:
    """Returns the checkpoint to use: Global.checkpoints, else pretrained_model, else the best.

    A run that has no best checkpoint, since no evaluation recognised anything, has its last; which
    is said.

    Source: PaddleOCR's tools read Global.checkpoints or Global.pretrained_model; without either
    they use random weights, where the run directory's `best_accuracy` is taken here.
    """
    settings = config.global_
    named = settings.checkpoints or settings.pretrained_model
    if named:
        return Path(named)
    run_dir = Path(settings.save_model_dir)
    return run_dir / best_or_latest(run_dir)


def best_or_latest(run_dir: Path) -> str:
    """Returns `best_accuracy`, or `latest` where a run has only that; then it says so."""
    if (run_dir / f"{BEST}.pdparams").exists() or not (run_dir / f"{LATEST}.pdparams").exists():
        return BEST
    echo(f"{run_dir} has no {BEST}: its last checkpoint, {LATEST}, is used", err=True)
    return LATEST


def trained_recognizer(config: Config) -> tuple["Recognizer", "TrainedModel"]:
    """Loads the network and returns what reads with it.

    Raises:
        CheckpointError: there is no checkpoint, or it does not fill the network.
    """
    from ocr_lib.inference.recognizer import Recognizer
    from ocr_lib.training import forward_of, load_model

    trained = load_model(config, checkpoint_of(config))
    forward = forward_of(trained.model)
    decode = trained.algorithm.tokenizer.decode
    return Recognizer(trained.preprocess, trained.dictionary, forward, decode=decode), trained
