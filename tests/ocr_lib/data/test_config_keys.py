"""Each key of the blocks Train and Eval, and of RecConAug, changes what is read or how."""

import multiprocessing
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr_lib.config.blocks import DatasetConfig, LoaderConfig, SplitConfig
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import parse
from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.base import Sample
from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.loading.batches import plan_epoch
from ocr_lib.data.loading.dataloader import DataLoader
from ocr_lib.data.loading.multi_scale import MultiScale
from ocr_lib.data.transforms import DecodeImage, EncodeLabel, KeepKeys, build_augmentation
from tests.ocr_lib.config.key_effects import Given, Refused, Row, check, parameters
from tests.ocr_lib.data.lines import image, write_lines
from tests.ocr_lib.data.loading.test_dataloader import Lines, reader

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 64, 3)).astype(np.uint8)
SAMPLER = {"name": "MultiScaleSampler", "scales": [[320, 32], [320, 48]]}
FOLDERS: dict[str, Path] = {}  # the data of this module


@pytest.fixture(scope="module", autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("keys")
    FOLDERS["root"] = root
    for folder in ("one", "two"):
        (root / folder / "images").mkdir(parents=True)
        for name, count in (("short.txt", 6), ("long.txt", 12)):
            write_lines(root / folder, [f"{folder} {i}" for i in range(count)], name)
        text = (root / folder / "short.txt").read_text("utf-8")
        (root / folder / "spaced.txt").write_text(text.replace("\t", " => "), "utf-8")
    for path in (root / "two/images").iterdir():  # of the same names, and other images
        path.write_bytes(image(99, width=30))
    pack(root / "one/long.txt", root / "one", root / "one/lmdb")


def split(_: Any, keys: dict[str, Any]) -> Any:
    """Returns samples, transforms and batch sizes of a split."""
    config: SplitConfig = parse(SplitConfig, _filled(keys), SourceLocation((), {}))
    dataset = open_dataset(config)
    scales = MultiScale.of(config)
    augment = build_augmentation(config.dataset.transforms)
    return (
        type(dataset),
        list(dataset.labels()),
        dataset.checksums.tolist(),
        augment(PICTURE, np.random.default_rng(3)).tobytes(),
        scales and (scales.batch_sizes, scales.image_sizes()),
        config.loader,
    )


def dataset(_: Any, keys: dict[str, Any]) -> Any:
    return split(None, {"dataset": keys, "sampler": SAMPLER})


def loader(_: Any, keys: dict[str, Any]) -> Any:
    """Returns the batches of an epoch and the processes that read them."""
    config: LoaderConfig = parse(LoaderConfig, keys, SourceLocation((), {}))
    widths = np.full(10, 96, np.int32)
    plan = plan_epoch(
        widths,
        np.arange(10),
        batch_size=config.batch_size_per_card,
        reference_width=96,
        seed=1,
        epoch=1,
        shuffle=config.shuffle,
        drop_last=config.drop_last,
    )
    with closing(DataLoader(reader(Lines(10)), config.num_workers)) as loading:
        next(loading.batches(plan, 1))
        processes = len(multiprocessing.active_children())
    return [batch.indices for batch in plan], processes


def _filled(keys: dict[str, Any]) -> dict[str, Any]:
    """Returns keys whose paths are below the folder of the data."""
    block = {"data_dir": "one", "label_file_list": ["one/short.txt"], **keys["dataset"]}
    block["data_dir"] = str(FOLDERS["root"] / block["data_dir"])
    block["label_file_list"] = [str(FOLDERS["root"] / file) for file in block["label_file_list"]]
    return {**keys, "dataset": block}


def concatenation(_: Any, keys: dict[str, Any]) -> list[str]:
    """Returns the labels that 40 samples get."""
    join: RecConAug = parse(RecConAug, keys, SourceLocation((), {}))
    other = Sample(image(0, width=90), "b", "other")
    rng = np.random.default_rng(5)
    return [join(PICTURE, "a", rng, lambda _: other)[1] for _ in range(40)]


def arguments(part: Any, keys: dict[str, Any]) -> Any:
    return parse(part, keys, SourceLocation((), {}))


TWO_LISTS = {"label_file_list": ["one/short.txt", "one/long.txt"]}
TABLE = [
    Row(
        DatasetConfig,
        dataset,
        {},
        {
            "name": Given("LMDBDataSet", {"data_dir": "one", "label_file_list": ["one/long.txt"]}),
            "data_dir": "two",
            "label_file_list": ["one/long.txt"],
            "ratio_list": Given([1.0, 0.5], TWO_LISTS),
            "delimiter": Given(" => ", {"label_file_list": ["one/spaced.txt"], "delimiter": "=>"}),
            "transforms": [{"RecAug": {}}],
            "ds_width": True,
        },
        DatasetConfig,
    ),
    Row(
        SplitConfig,
        split,
        {"dataset": {}},
        {
            "dataset": {"data_dir": "two"},
            "sampler": SAMPLER,
            "loader": {"batch_size_per_card": 3},
        },
        SplitConfig,
    ),
    Row(
        LoaderConfig,
        loader,
        {"batch_size_per_card": 4, "num_workers": 0},
        {"batch_size_per_card": 3, "shuffle": True, "drop_last": True, "num_workers": 1},
        LoaderConfig,
    ),
    Row(
        RecConAug,
        concatenation,
        {"image_shape": [32, 640, 3]},
        {"prob": 1.0, "image_shape": [32, 160, 3], "ext_data_num": 2},
        RecConAug,
    ),
    Row(DecodeImage, arguments, {}, {"img_mode": Refused("RGB")}, DecodeImage),
    Row(EncodeLabel, arguments, {}, {}, EncodeLabel),
    Row(KeepKeys, arguments, {}, {}, KeepKeys),
]


@pytest.mark.parametrize(("row", "key"), parameters(TABLE))
def test_another_value_reads_otherwise(row: Row, key: str) -> None:
    check(row, key)
