"""The configuration of a run: resolved once, and pointed at the data that the run packed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.config.loader import load_config, read_config
from ocr_lib.config.schema import Config, SplitConfig
from ocr_lib.runspec.config_files import pin_files, without_missing_checkpoint
from ocr_lib.runspec.spec import PinnedConfig
from ocr_lib.storage.store import Store


def resolve_config(
    store: Store,
    uri: str,
    overrides: Sequence[str],
    minutes: float,
    work_dir: Path,
    *,
    has_weights: bool = False,
) -> PinnedConfig:
    """Reads a configuration with its bases and overrides, to the final values.

    The files that it names are copied into the store, see `config_files`.

    Custom parts may be named where `OCR_ALLOW_PARTS` allows them.

    Args:
        store: where an `s3://` configuration is read from.
        uri: a shipped configuration's name, or an `s3://` URI of a YAML file.
        overrides: `Key.sub=value` each, as `-o` takes them.
        minutes: how long to train; 0 leaves it to the configuration.
        work_dir: where files from the store are put.
        has_weights: whether the run has weights to start from, which go before those that the
            configuration names.

    Raises:
        ConfigError: names the key, the cause and the nearest known name; or a file that the
            configuration names is not there.
        DictionaryError: the dictionary is not known.
    """
    file = str(store.get_file(uri, work_dir / "config.yml")) if "://" in uri else uri
    config = load_config(file, overrides, allowed_parts(), "config")
    if minutes:
        config = replace(config, global_=replace(config.global_, train_minutes=minutes))
    if has_weights:
        config = replace(config, global_=replace(config.global_, pretrained_model=None))
    config = without_missing_checkpoint(store, config)
    files = pin_files(store, config, work_dir / "files")
    return PinnedConfig(uri=uri, yaml=config.to_yaml(), files=files)


def config_on_data(yaml: str, train: Path, validation: Path | None, **settings: Any) -> Config:
    """Points a resolved configuration at the data sets that the pipeline packed.

    Custom parts may be named where `OCR_ALLOW_PARTS` allows them.

    Args:
        yaml: of `PinnedConfig`.
        train: LMDB data set to learn from.
        validation: LMDB data set that chooses the checkpoint; None for no such set.
        **settings: fields of `GlobalConfig` that this run sets, such as `save_model_dir`.

    Raises:
        ConfigError: names the key and the cause.
    """
    config = read_config(yaml, "the run's configuration", allowed_parts())
    return replace(
        config,
        global_=replace(config.global_, **settings),
        train=_on(config.train, train),
        eval=_on(config.eval, validation),
    )


def _on(split: SplitConfig, folder: Path | None) -> SplitConfig:
    """Returns a split that reads a packed data set; without one it names no samples."""
    if folder is None:
        dataset = replace(split.dataset, name="SimpleDataSet", label_file_list=())
    else:
        dataset = replace(split.dataset, name="LMDBDataSet", data_dir=str(folder))
    return replace(split, dataset=dataset)
