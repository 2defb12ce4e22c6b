"""`ocr config`: list the shipped configurations, show one resolved, check one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from ocr_lib.algorithms.choice import reading_network
from ocr_lib.algorithms.ctc_steps import has_ctc, time_steps
from ocr_lib.algorithms.label_limit import label_limit
from ocr_lib.config.characters import dictionary_messages
from ocr_lib.config.custom_parts import custom_layers
from ocr_lib.config.parse import ignored_keys
from ocr_lib.config.schema import Config
from ocr_lib.config.shipped import shipped_configs
from ocr_lib.data.transforms import ignored_transform_keys
from ocr_lib.terminal import echo
from pipelines.cli.command import group, option
from pipelines.cli.config_options import ConfigChoice, with_config


@group("config")
def config() -> None:
    """List the shipped configurations, print one with all its values, or check one.

    Examples:
      ocr config list PP-OCRv3
      ocr config show -c en_PP-OCRv3_rec -o Global.epoch_num=10
      ocr config check -c my.yml
    """


@config.command("list")
@click.argument("word", default="", help="only names and titles with this word")
def show_names(word: str) -> None:
    """List the names of the shipped configurations."""
    titles = {name: _title(file) for name, file in shipped_configs().items()}
    width = max(map(len, titles))
    for name, title in titles.items():
        if word.lower() in f"{name} {title}".lower():
            echo(f"{name:{width}}  {title}")


@config.command("show")
@with_config
def show(choice: ConfigChoice) -> None:
    """Print a configuration with its bases and all defaults."""
    echo(choice.read().to_yaml().rstrip("\n"))


@config.command("check")
@with_config
@option("--no-build", is_flag=True, help="check keys and values only, without Paddle")
def check(choice: ConfigChoice, no_build: bool) -> None:
    """Check keys and values, and that the network builds."""
    config = choice.read()
    lines = list(_summary(config))
    with config.naming_lines():
        lines += [("dictionary", message) for message in dictionary_messages(config)]
    if not no_build:
        with config.naming_lines():
            lines[:0] = _built(config)
    echo(f"{choice.config}: valid")
    for name, value in lines:
        echo(f"  {name:10}  {value}")


def _title(file: Path) -> str:
    """The comment on the first line of a shipped configuration."""
    with open(file, encoding="utf-8") as stream:
        return stream.readline().removeprefix("#").strip()


def _built(config: Config) -> Iterator[tuple[str, str]]:
    """Builds dictionary, input, network, loss and augmentation; yields what they are."""
    from ocr_lib.config.characters import made_of_labels
    from ocr_lib.data.image import Preprocess
    from ocr_lib.data.transforms import build_augmentation
    from ocr_lib.losses import build_loss
    from ocr_lib.models import build_model
    from ocr_lib.text.dictionary import load_dictionary

    path, space = config.global_.character_dict_path, config.global_.use_space_char
    if made_of_labels(config):
        dictionary = load_dictionary("en")  # its size stands for theirs
        yield "dictionary", "the characters of the training labels"
    else:
        dictionary = load_dictionary(path, space)
        yield "dictionary", f"{path or '0-9a-z'}, {dictionary.num_classes} classes with the blank"
    preprocess = Preprocess.from_config(config)
    widths = ", ".join(map(str, preprocess.buckets))
    yield "input", f"{preprocess.channels} × {preprocess.height} × {widths}"
    custom = any(custom_layers(config.architecture))
    if has_ctc(config.architecture) and not custom:
        yield (
            "steps",
            ", ".join(str(time_steps(config.architecture, w)) for w in preprocess.buckets),
        )
    model = build_model(config.architecture, dictionary.num_classes, config.allowed_parts)
    size = sum(int(parameter.size) for parameter in model.parameters())
    yield "network", f"{config.architecture.get('algorithm', 'own')}, {size:,} parameters"
    if has_ctc(config.architecture) and custom:
        yield (
            "steps",
            ", ".join(str(_steps(config, model, preprocess, w)) for w in preprocess.buckets),
        )
    build_loss(config.loss, config.allowed_parts)
    build_augmentation(config.train.dataset.transforms, config.allowed_parts)


def _steps(config: Config, model: Any, preprocess: Any, width: int) -> int:
    """Asks a network with custom parts how many CTC steps it gives a width in px."""
    from ocr_lib.training import forward_of
    from ocr_lib.training.subnetworks import sub_network

    network = sub_network(model, reading_network(config))
    network.eval()
    image = np.zeros((1, preprocess.channels, preprocess.height, width), np.float32)
    return int(forward_of(network)(image).shape[1])


def _summary(config: Config) -> Iterator[tuple[str, str]]:
    optimizer, run = config.optimizer, config.global_
    yield "loss", config.loss.name
    yield "optimizer", f"{optimizer.name}, {optimizer.lr.name}, {run.epoch_num} epochs"
    for name, split in (("train", config.train), ("eval", config.eval)):
        source = ", ".join(split.dataset.label_file_list) or split.dataset.data_dir
        batch = split.loader.batch_size_per_card
        yield name, f"{split.dataset.name}, {source}, batches of {batch}"
    yield "labels", label_limit(config).describe()
    yield "run dir", run.save_model_dir
    ignored = list(ignored_keys(config))
    for name, split in (("Train", config.train), ("Eval", config.eval)):
        where = f"{name}.dataset.transforms"
        transforms = split.dataset.transforms
        ignored += ignored_transform_keys(transforms, where, run.max_text_length)
    if ignored:
        yield "no effect", ", ".join(ignored)
