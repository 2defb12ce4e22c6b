"""Opens the data set that a configuration's Train or Eval block names."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr_lib.data.combine import Concat, Subset
from ocr_lib.data.list_dataset import ListDataset
from ocr_lib.data.lmdb_read import LmdbDataset
from ocr_lib.data.manifest import DATA, MANIFEST, SHARD
from ocr_lib.data.plain_lmdb import PlainLmdb
from ocr_lib.data.samples import Dataset, Sample
from ocr_lib.errors import ConfigError, LmdbError

__all__ = ["Dataset", "Sample", "open_dataset", "open_lmdb"]


def open_dataset(split: Any) -> Dataset:
    """Opens the samples of a `SplitConfig`.

    `SimpleDataSet` reads `label_file_list`, `LMDBDataSet` what lies below `data_dir`: data sets of
    `ocr pack-lmdb` and plain LMDB folders, in the order of their paths. A ratio below 1 takes
    that share of a list (of the whole, for LMDB), drawn anew by `resample`.

    Raises:
        LabelError: a label list is missing or malformed.
        LmdbError: there is no data set below `data_dir`, or an incomplete one.
        ConfigError: no label list is named.

    Source: PaddleOCR `SimpleDataSet`, `LMDBDataSet`; the latter ignores `ratio_list`.
    """
    dataset = split.dataset
    parts: list[Dataset]
    ratios = dataset.ratio_list
    if dataset.kind == "LMDBDataSet":
        parts, ratios = [open_lmdb(dataset.data_dir)], ratios[:1]
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


def open_lmdb(root: str | Path) -> Dataset:
    """Opens all LMDB data sets at or below a folder; hidden folders are passed over.

    Raises:
        LmdbError: there is none, or one that was not packed to its end.
    """
    root = Path(root)
    parts: list[Dataset] = []
    for name, folders, files in os.walk(root):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        if MANIFEST in files:
            parts.append(LmdbDataset(name))
            folders.clear()
        elif SHARD in files:
            raise LmdbError(
                name,
                f"a shard of a data set without {MANIFEST}: packing did not finish",
                "Run the packing again: finished shards are kept",
            )
        elif DATA in files:
            parts.append(PlainLmdb(name))
    if not parts:
        raise LmdbError(str(root), f"no {MANIFEST} and no {DATA} in or below it", "Check data_dir")
    return _joined(parts)


def _joined(parts: Sequence[Dataset]) -> Dataset:
    return parts[0] if len(parts) == 1 else Concat(parts)
