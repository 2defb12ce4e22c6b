"""What a configuration asks a run to do: resolved and checked before any data is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_lib.algorithms import RecognitionAlgorithm
from ocr_lib.algorithms.choice import algorithm_of, reading_network
from ocr_lib.algorithms.label_limit import label_limit
from ocr_lib.config.custom_parts import AllowedParts
from ocr_lib.config.schema import (
    ComponentConfig,
    Config,
    GlobalConfig,
    OptimizerConfig,
    SplitConfig,
)
from ocr_lib.data.image import Preprocess
from ocr_lib.data.loading.multi_scale import MultiScale


@dataclass(frozen=True)
class TrainPlan:
    """What a run will do, as far as the configuration alone says it.

    The stages after `resolve` read these fields; none of them reads the whole configuration.

    Attributes:
        config: the configuration, for the run directory's copy and digest.
        run_dir: the run directory.
        settings: the block Global.
        architecture: the block Architecture.
        allowed_parts: custom parts that may be imported.
        loss: the loss.
        optimizer: optimiser and schedule.
        metric: what a validation measures.
        train: the training samples.
        validation: the validation set; None where the configuration names none.
        algorithm: of the network that reads.
        reading_network: its name among several, "" where there is only one.
        preprocess: the network's input.
        scales: batches of several image sizes; None where all have the network's height.
    """

    config: Config
    run_dir: Path
    settings: GlobalConfig
    architecture: Mapping[str, Any]
    allowed_parts: AllowedParts
    loss: ComponentConfig
    optimizer: OptimizerConfig
    metric: ComponentConfig
    train: SplitConfig
    validation: SplitConfig | None
    algorithm: RecognitionAlgorithm
    reading_network: str
    preprocess: Preprocess
    scales: MultiScale | None


def resolve(config: Config) -> TrainPlan:
    """Returns the plan of a configuration.

    Raises:
        ConfigError: the parts do not fit together, or a head writes less than the labels have.
    """
    algorithm = algorithm_of(config)
    label_limit(config)
    return TrainPlan(
        config=config,
        run_dir=Path(config.global_.save_model_dir),
        settings=config.global_,
        architecture=config.architecture,
        allowed_parts=config.allowed_parts,
        loss=config.loss,
        optimizer=config.optimizer,
        metric=config.metric,
        train=config.train,
        validation=config.eval if config.eval.dataset.named else None,
        algorithm=algorithm,
        reading_network=reading_network(config),
        preprocess=Preprocess.from_config(config),
        scales=MultiScale.of(config.train),
    )
