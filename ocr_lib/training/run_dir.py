"""The run directory: what is where, and how a trained network is loaded from it.

Names as PaddleOCR's: `best_accuracy`, `latest` and `iter_epoch_N` with `.pdparams`, `.pdopt` and
`.states`; `previous` is the `latest` before the last one. `config.yml` is the resolved
configuration, `run.json` what the run decided when it began, `train.log` and `metrics.jsonl` the
log.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from paddle import nn

from ocr_lib.algorithms import CTC, RecognitionAlgorithm
from ocr_lib.algorithms.choice import algorithm_of, reading_network
from ocr_lib.atomic import write_json
from ocr_lib.config.characters import as_trained, dictionary_of
from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.loader import load_config
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import parse
from ocr_lib.config.schema import Config
from ocr_lib.data.image import Preprocess
from ocr_lib.errors import CheckpointError
from ocr_lib.models import build_model
from ocr_lib.regular_file import read_bounded
from ocr_lib.text.dictionary import Charset
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.migration import dictionary_beside
from ocr_lib.training.subnetworks import sub_network

BEST, LATEST, PREVIOUS = checkpoint.BEST, checkpoint.LATEST, checkpoint.PREVIOUS
RUN_RECORD = "run.json"
# Keys that change nothing about what a run that goes on learns, as where it writes.
_NOT_LEARNT = (
    "save_model_dir",
    "save_epoch_step",
    "save_inference_dir",
    "save_res_path",
    "print_batch_step",
    "log_smooth_window",
    "infer_img",
    "checkpoints",
    "save_step_every",
    "save_minutes",
    "keep_checkpoints",
    "peer_minutes",
    "fallback_to_pretrained",
    "distributed",
    "character_dict_path",  # the characters themselves count
    "use_space_char",
    "epoch_num",  # the plan has the number of epochs
    "train_minutes",
    "recalibrate_norms",  # before the first step only; shipped configurations of 0.1 lack it
)
# Keys that version 0.1 did not have: a default is left out of the digest, so that its runs go on.
_NEWER_THAN_0_1 = ("ema_decay_type", "ema_gamma", "ema_filter_no_grad", "turn_tall_lines")


@dataclass(frozen=True)
class TrainedModel:
    """A network with everything that is needed to use it.

    Attributes:
        config: the resolved configuration of the run.
        model: a paddle layer in evaluation mode.
        dictionary: its characters.
        preprocess: its input.
        digest: SHA-256 of the weights file.
        algorithm: the family of its head: how its output becomes text.
    """

    config: Config
    model: nn.Layer
    dictionary: Charset
    preprocess: Preprocess
    digest: str
    algorithm: RecognitionAlgorithm = CTC


@dataclass(frozen=True)
class RunRecord:
    """What a run began with, stored as `run.json` in its directory.

    Attributes:
        epochs: passes over the training samples.
        config_digest: SHA-256 of what decides the result (networks, data, optimiser, …).
        samples: training samples used.
    """

    epochs: int
    config_digest: str
    samples: int

    def save(self, run_dir: Path) -> None:
        """Writes the record."""
        write_json(run_dir / RUN_RECORD, asdict(self))

    @classmethod
    def load(cls, run_dir: Path) -> "RunRecord | None":
        """Reads the record of a run directory; None where no run has begun.

        Raises:
            CheckpointError: it is damaged.
        """
        path = run_dir / RUN_RECORD
        if not path.exists():
            return None
        try:
            return parse(cls, json.loads(read_bounded(path)), SourceLocation((), {}))
        except (ValueError, RecursionError) as error:
            cause = f"not a run's record ({str(error).rstrip('.')})"
            fix = "Restore the file from a copy, or pass --fresh to start over"
            raise CheckpointError(str(path), cause, fix) from None


def result_checkpoint(run_dir: Path) -> str:
    """Returns the checkpoint of a run directory to use: the last where none is the best."""
    best_missing = not checkpoint.is_complete(run_dir / BEST)
    return LATEST if best_missing and checkpoint.is_complete(run_dir / LATEST) else BEST


def load_run(
    run_dir: str | Path,
    name: str = BEST,
    network: str | None = None,
    allowed_parts: AllowedParts = NO_PARTS,
) -> TrainedModel:
    """Loads a checkpoint of a run directory.

    Args:
        run_dir: the folder that training wrote.
        name: `best_accuracy`, `latest` or `iter_epoch_N`.
        network: of several networks another one than `Metric.key` names.
        allowed_parts: custom parts that its configuration may name.

    Raises:
        CheckpointError: the folder holds no such checkpoint, or not every parameter matches.
        ConfigError: its configuration is not accepted, or names a part that is not allowed.
    """
    run_dir = Path(run_dir)
    config_path = run_dir / "config.yml"
    if not config_path.exists():
        cause = "no run directory (config.yml is missing)"
        raise CheckpointError(str(run_dir), cause, "Train first")
    config, prefix = load_config(config_path, (), allowed_parts), run_dir / name
    return load_model(config, prefix, network, dictionary_beside(prefix))


def load_model(
    config: Config,
    prefix: str | Path,
    network: str | None = None,
    dictionary: Charset | None = None,
) -> TrainedModel:
    """Builds the network of a configuration and fills it from a checkpoint, completely.

    Args:
        config: the configuration.
        prefix: the checkpoint, with or without a suffix.
        network: of several networks (distillation) another one than `Metric.key` names.
        dictionary: the characters, where they are not those that the configuration names.

    Raises:
        CheckpointError: the checkpoint is missing or does not fill the network.
        DictionaryError: the dictionary, or its direction beside the checkpoint, cannot be read.
    """
    prefix = checkpoint.without_suffix(prefix)
    if dictionary is None:
        name = config.global_.character_dict_path
        dictionary = as_trained(dictionary_of(config.global_), prefix.parent, name)
    model = build_model(config.architecture, dictionary.num_classes, config.allowed_parts)
    saved = checkpoint.load(prefix)
    weights.load_into(model, saved.params, f"{prefix}.pdparams", min_share=1.0)
    model.eval()
    return TrainedModel(
        config,
        sub_network(model, reading_network(config) if network is None else network),
        dictionary,
        Preprocess.from_config(config),
        checkpoint.digest(prefix),
        algorithm_of(config),
    )


def config_digest(config: Config, dictionary: Charset) -> str:
    """Returns a digest of all that decides what a run learns when it goes on."""
    values = config.as_dict()
    settings, defaults = values["Global"], GlobalConfig()
    for key in _NOT_LEARNT:
        settings.pop(key, None)
    for key in _NEWER_THAN_0_1:
        if settings[key] == getattr(defaults, key):
            del settings[key]
    values["characters"] = [dictionary.digest, dictionary.lower, dictionary.right_to_left]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
