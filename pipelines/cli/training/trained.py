"""The trained network that a configuration names, for the commands that use one."""

from pathlib import Path
from typing import TYPE_CHECKING

from ocr_lib.config.schema import Config
from ocr_lib.inference.recognizer import Recognizer

if TYPE_CHECKING:
    from ocr_lib.training import TrainedModel

BEST = "best_accuracy"


def checkpoint_of(config: Config) -> Path:
    """Returns the checkpoint to use: Global.checkpoints, else pretrained_model, else the best.

    Source: PaddleOCR's tools read Global.checkpoints or Global.pretrained_model; without either
    they use random weights, where the run folder's `best_accuracy` is taken here.
    """
    settings = config.global_
    named = settings.checkpoints or settings.pretrained_model
    return Path(named) if named else Path(settings.save_model_dir) / BEST


def trained_recognizer(config: Config) -> tuple[Recognizer, "TrainedModel"]:
    """Loads the network and returns what reads with it.

    Raises:
        CheckpointError: there is no checkpoint, or it does not fill the network.
    """
    from ocr_lib.training import forward_of, load_model

    trained = load_model(config, checkpoint_of(config))
    forward = forward_of(trained.model)
    decode = trained.algorithm.tokenizer.decode
    return Recognizer(trained.preprocess, trained.dictionary, forward, decode=decode), trained
