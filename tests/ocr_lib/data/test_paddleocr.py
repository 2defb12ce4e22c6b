"""PaddleOCR's own data sets read what this project writes, and find the same in it."""

import importlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ocr_lib.data.archive import open_source
from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.image import decode_image
from ocr_lib.data.labels.convert import convert
from ocr_lib.data.lmdb_store import LmdbDataset, pack
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.data.opened import split

LABELS = [*texts(20), "comma, \"quote\" 'single'", "two  spaces", "trailing "]


@pytest.fixture(scope="module")
def paddleocr() -> Iterator[SimpleNamespace]:
    """The modules of the wheel that read data, without the packages that its others need."""
    wheel = importlib.util.find_spec("paddleocr")
    if wheel is None or wheel.origin is None or importlib.util.find_spec("paddle") is None:
        pytest.skip("paddleocr and paddle are not installed")
    folder = Path(wheel.origin).parent / "ppocr/data"
    data, operators = ModuleType("wheel_data"), ModuleType("wheel_data.imaug")
    data.__path__, operators.__path__ = [str(folder)], [str(folder / "imaug")]
    sys.modules |= {"wheel_data": data, "wheel_data.imaug": operators}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # paddle's imports
        decode = importlib.import_module("wheel_data.imaug.operators").DecodeImage(img_mode="BGR")
        operators.__dict__["create_operators"] = lambda transforms, config: [decode]
        operators.__dict__["transform"] = lambda sample, ops: ops[0](sample)
        yield SimpleNamespace(
            lmdb=importlib.import_module("wheel_data.lmdb_dataset").LMDBDataSet,
            simple=importlib.import_module("wheel_data.simple_dataset").SimpleDataSet,
        )
    for name in [name for name in sys.modules if name.startswith("wheel_data")]:
        del sys.modules[name]


def config(**dataset: Any) -> dict[str, Any]:
    loader = {"batch_size_per_card": 1, "shuffle": False}
    return {"Global": {}, "Eval": {"dataset": {"transforms": [], **dataset}, "loader": loader}}


def test_reads_packed_shards(tmp_path: Path, paddleocr: SimpleNamespace) -> None:
    labels = write_lines(tmp_path, LABELS)
    pack(labels, tmp_path, tmp_path / "out", shard_samples=9)
    ours = LmdbDataset(tmp_path / "out")
    expected = {
        sample.label: decode_image(sample.image) for sample in map(ours.sample, range(len(ours)))
    }
    del ours  # LMDB refuses to open a file twice in a process
    settings = config(name="LMDBDataSet", data_dir=str(tmp_path / "out"))
    theirs = paddleocr.lmdb(settings, "Eval", logging.getLogger())
    found = [theirs[i] for i in range(len(theirs))]
    assert sorted(sample["label"] for sample in found) == sorted(LABELS) == sorted(expected)
    for sample in found:
        assert np.array_equal(sample["image"], expected[sample["label"]])
    for shard in theirs.lmdb_sets.values():
        shard["env"].close()


def test_reads_real_receipts(tmp_path: Path, paddleocr: SimpleNamespace, shared_dir: Path) -> None:
    source = open_source(shared_dir / "data/sroie-val.tar", tmp_path / "source")
    convert(source, tmp_path / "labels")
    manifest = pack(tmp_path / "labels/labels.txt", source, tmp_path / "out")
    assert (manifest.samples, manifest.statistics.dropped) == (1000, {})
    truth = (source / "gt.txt").read_text(encoding="utf-8-sig").splitlines()
    labels = [line.split(", ", 1)[1][1:-1] for line in truth]
    assert list(LmdbDataset(tmp_path / "out").labels()) == labels
    settings = config(name="LMDBDataSet", data_dir=str(tmp_path / "out"))
    theirs = paddleocr.lmdb(settings, "Eval", logging.getLogger())
    assert [theirs[i]["label"] for i in range(len(theirs))] == labels
    for i in range(0, 1000, 50):
        image = decode_image((source / truth[i].split(",")[0]).read_bytes())
        assert np.array_equal(theirs[i]["image"], image)


def test_reads_label_lists(tmp_path: Path, paddleocr: SimpleNamespace) -> None:
    labels = write_lines(tmp_path, LABELS)
    dataset = {"data_dir": str(tmp_path), "label_file_list": [str(labels)]}
    settings = config(name="SimpleDataSet", **dataset)
    theirs = paddleocr.simple(settings, "Eval", logging.getLogger())
    ours = open_dataset(split(data_dir=str(tmp_path), label_file_list=(str(labels),)))
    assert len(ours) == len(theirs) == len(LABELS)
    for i, label in enumerate(LABELS):
        mine, other = ours.sample(i), theirs[i]
        assert mine.label == other["label"] == label
        assert np.array_equal(decode_image(mine.image), other["image"])
