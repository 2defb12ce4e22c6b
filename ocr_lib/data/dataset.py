"""Opens the data set that a configuration's Train or Eval block names."""

import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from ocr_lib.config.blocks import SplitConfig
from ocr_lib.data.base import Dataset, Sample
from ocr_lib.data.concat import Concat, Subset
from ocr_lib.data.list_dataset import ListDataset
from ocr_lib.data.lmdb_store.manifest import DATA, MANIFEST, SHARD
from ocr_lib.data.lmdb_store.plain import PlainLmdb
from ocr_lib.data.lmdb_store.read import LmdbDataset
from ocr_lib.errors import ConfigError, LmdbError

log = logging.getLogger(__name__)

__all__ = ["Dataset", "Sample", "open_dataset", "open_lmdb"]


def open_dataset(split: SplitConfig, refused: Collection[str] = ()) -> Dataset:
    """Opens the samples of a `SplitConfig`.

    `SimpleDataSet` reads `label_file_list`, `LMDBDataSet` what is below `data_dir`: data sets of
    `ocr pack-lmdb` and plain LMDB folders, in the order of their paths. A ratio below 1 takes
    that share of a list (of the whole, for LMDB), redrawn by `resample`.

    Args:
        split: the block.
        refused: roles that the samples must not have been packed for: training passes `test`.

    Raises:
        LabelError: a label list is missing or malformed.
        LmdbError: there is no data set below `data_dir`, an incomplete one, or one of a role that
            is refused.
        ConfigError: no label list is named.

    Source: PaddleOCR `SimpleDataSet`, `LMDBDataSet`; the latter ignores `ratio_list`.
    """
    dataset = split.dataset
    parts: list[Dataset]
    ratios = dataset.ratio_list
    if dataset.kind == "LMDBDataSet":
        parts, ratios = [open_lmdb(dataset.data_dir, refused)], ratios[:1]
    elif dataset.label_file_list:
        parts = [
            ListDataset(path, dataset.data_dir, dataset.delimiter)
            for path in dataset.label_file_list
        ]
    else:
        raise ConfigError("dataset.label_file_list", "is empty", "Name at least one label list")
    return _joined(
        [
            Subset(part, ratio) if ratio < 1 else part
            for part, ratio in zip(parts, ratios, strict=True)
        ]
    )


def open_lmdb(root: str | Path, refused: Collection[str] = ()) -> Dataset:
    """Opens all LMDB data sets at or below a folder; hidden folders are passed over.

    Args:
        root: the folder.
        refused: roles that none may have.

    Raises:
        LmdbError: there is none, one that was not packed to its end, or of a role that is refused.
    """
    root = Path(root)
    parts: list[Dataset] = []
    for name, folders, files in os.walk(root):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        if MANIFEST in files:
            parts.append(part := LmdbDataset(name))
            _check_role(part, refused)
            folders.clear()
        elif SHARD in files:
            raise LmdbError(
                name,
                f"a shard of a data set without {MANIFEST}: packing did not finish",
                "Run the packing again: finished shards are kept",
            )
        elif DATA in files:
            parts.append(plain := PlainLmdb(name))
            for words in plain.left_out:
                log.warning("%s", words)
    if not parts:
        raise LmdbError(str(root), f"no {MANIFEST} and no {DATA} in or below it", "Check data_dir")
    return _joined(parts)


def _check_role(dataset: LmdbDataset, refused: Collection[str]) -> None:
    role = dataset.manifest.role
    if role in refused:
        raise LmdbError(
            str(dataset.root),
            f"packed as a {role} set, which must not be used here",
            "Name the folder of another set",
        )


def _joined(parts: Sequence[Dataset]) -> Dataset:
    return parts[0] if len(parts) == 1 else Concat(parts)
