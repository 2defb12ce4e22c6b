"""The configuration of a run in the pipeline: what the user names, on the data of this run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config, SplitConfig
from ocr_lib.storage.store import Store


def run_config(
    store: Store,
    config: str,
    overrides: Sequence[str],
    train: Path,
    validation: Path | None,
    work: Path,
    **settings: Any,
) -> Config:
    """Reads a configuration and points it at the data sets that the pipeline packed.

    Args:
        store: where an `s3://` configuration is read from.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        overrides: `Key.sub=value` each, as `-o` takes them.
        train: LMDB data set to learn from.
        validation: LMDB data set that chooses the checkpoint; None for no such set.
        work: where a file from the store is put.
        **settings: fields of `GlobalConfig` that this run sets, such as `save_model_dir`.

    Custom parts may be named where `OCR_ALLOW_PARTS` allows them.

    Raises:
        ConfigError: names the key, the cause and the nearest known name.
    """
    if "://" in config:
        config = str(store.get_file(config, work / "config.yml"))
    read = load_config(config, overrides, allowed_parts(), "config")
    return replace(
        read,
        global_=replace(read.global_, **settings),
        train=_on(read.train, train),
        eval=_on(read.eval, validation),
    )


def _on(split: SplitConfig, folder: Path | None) -> SplitConfig:
    """Returns a split that reads a packed data set; without one it names no samples."""
    if folder is None:
        dataset = replace(split.dataset, name="SimpleDataSet", label_file_list=())
    else:
        dataset = replace(split.dataset, name="LMDBDataSet", data_dir=str(folder))
    return replace(split, dataset=dataset)
