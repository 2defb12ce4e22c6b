"""The configuration of a run in the pipeline: what the user names, on the data of this run."""

import json
from collections.abc import Sequence
from pathlib import Path

from components.shared.store import Store
from ocr_lib.config.custom_parts import allowed_parts
from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config

NO_VALIDATION = ["Eval.dataset.name=SimpleDataSet", "Eval.dataset.label_file_list=[]"]


def run_config(
    config: str, overrides: Sequence[str], train: Path, validation: Path | None, work: Path
) -> Config:
    """Reads a configuration and points it at the data sets that the pipeline packed.

    Args:
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        overrides: `Key.sub=value` each, as `-o` takes them.
        train: LMDB data set to learn from.
        validation: LMDB data set that chooses the checkpoint; None for no such set.
        work: where a file from the store is put.

    Custom parts may be named where `OCR_ALLOW_PARTS` allows them.

    Raises:
        ConfigError: names the key, the cause and the nearest known name.
    """
    if "://" in config:
        config = str(Store.from_env().get_file(config, work / "config.yml"))
    eval_block = _data_overrides("Eval", validation) if validation else NO_VALIDATION
    data = [*_data_overrides("Train", train), *eval_block]
    return load_config(config, [*overrides, *data], allowed_parts())


def _data_overrides(block: str, folder: Path) -> list[str]:
    return [
        f"{block}.dataset.name=LMDBDataSet",
        f"{block}.dataset.data_dir={json.dumps(str(folder))}",
    ]
