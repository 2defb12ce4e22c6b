"""Data sets opened as a configuration names them, and plain LMDB folders."""

from pathlib import Path
from typing import Any

import lmdb

from ocr_lib.config.blocks import DatasetConfig, SplitConfig
from ocr_lib.data.dataset import Dataset, open_dataset
from tests.ocr_lib.data.lines import image


def split(name: Any = "SimpleDataSet", **dataset: Any) -> SplitConfig:
    return SplitConfig(dataset=DatasetConfig(name=name, **dataset))


def simple(folder: Path, *lists: Path, **dataset: Any) -> Dataset:
    ratios = dataset.pop("ratio_list", (1.0,) * len(lists))
    files = tuple(map(str, lists))
    return open_dataset(
        split(data_dir=str(folder), label_file_list=files, ratio_list=ratios, **dataset)
    )


def write_plain(directory: Path, labels: list[str], damage: int | None = None) -> None:
    """Packs as deep-text-recognition-benchmark does; the image of row `damage` is left out."""
    directory.mkdir(parents=True)
    environment = lmdb.open(str(directory), map_size=1 << 24)
    with environment.begin(write=True) as transaction:
        for i, label in enumerate(labels, start=1):
            if i - 1 != damage:
                transaction.put(b"image-%09d" % i, image(i, width=30 + i))
            transaction.put(b"label-%09d" % i, label.encode())
        transaction.put(b"num-samples", str(len(labels)).encode())
    environment.close()
