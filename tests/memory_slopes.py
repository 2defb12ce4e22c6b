"""Bytes of memory that each sample takes, by job: `python -m tests.memory_slopes`.

Each job runs on packed data sets of two sizes; the difference of its peaks, divided by that of the
sizes, is what one sample more takes. Counted is what Python and numpy allocate; files that are
mapped are not, the kernel drops their pages where there is no room. Pieces in which jobs work are
made small here, so that they do not grow with sizes as small as these.
"""

import gc
import pickle
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from ocr_lib import digest
from ocr_lib.data import equal_images, image
from ocr_lib.data.equal_images import shared_with
from ocr_lib.data.labels.convert import convert
from ocr_lib.data.list_dataset import ListDataset
from ocr_lib.data.lmdb_store import pack, page_check, read
from ocr_lib.data.lmdb_store.read import read_checksums
from ocr_lib.data.loading import sample_table
from ocr_lib.data.preflight import label_table, preflight, split
from ocr_lib.terminal import echo
from ocr_lib.training import sample_filter
from ocr_lib.training.data import TrainLoader, build_data
from ocr_lib.training.log import PeerLog
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import resolve
from tests.ocr_lib.training.line_data import small_config

WARM_UP = 100  # what is allocated once for all is allocated there
SIZES = 500, 2_500
REPEATS = 10  # times that training reads each image: what it holds is by position
PIECES = [
    *((equal_images, "CHUNK", 64), (image, "CHUNK", 64), (sample_table, "DIGESTED", 64)),
    *((digest, "CHUNK_BYTES", 64), (page_check, "AT_A_TIME", 4096)),
    *((label_table, "ROWS", 64), (split, "CHUNK", 64), (split, "DECODED_IMAGES", 64)),
]


def measure(folder: Path) -> dict[str, float]:
    """Returns bytes a sample, by job.

    Args:
        folder: an empty one, for the data sets.
    """
    _, small, large = (_peaks(folder / str(size), size) for size in (WARM_UP, *SIZES))
    return {job: (large[job] - small[job]) / (SIZES[1] - SIZES[0]) for job in small}


def _peaks(folder: Path, size: int) -> dict[str, int]:
    """Returns the peak of each job on a data set of this size, in bytes."""
    labels = _draw(folder, size)
    data = _packed(folder, labels)
    validation = _packed(folder / "validation", _draw(folder / "validation", 64, seed=1))
    repeated = folder / "repeated.txt"
    repeated.write_text(labels.read_text() * REPEATS)
    config = small_config(data, validation, folder / "run")
    training = small_config(
        _packed(folder / "repeated", repeated, folder), validation, folder / "run"
    )
    peaks: dict[str, int] = {}

    def job(name: str, work: Callable[[], Any], repeats: int = 1) -> Any:
        peak, result = _peak(work)
        peaks[name] = peak // repeats
        return result

    plan, known = resolve(training), _steps_known(sample_filter.ctc_lengths)
    patch.object(sample_filter, "ctc_lengths", known).start()
    build_data(plan, PeerLog(), Parallel()).close()  # builds the network
    tracemalloc.start()
    for module, name, value in PIECES:
        patch.object(module, name, value).start()
    try:
        job("gen_label", lambda: convert(folder / "labels.txt", folder / "converted"))
        job("preflight", lambda: preflight(config))
        job("leak check", lambda: shared_with(read_checksums(data), read_checksums(data)[:64]))
        loaders = job("training starts", lambda: build_data(plan, PeerLog(), Parallel()), REPEATS)
        job("an epoch is planned", lambda: loaders.train.plan_epoch(1), REPEATS)
        held = _held(loaders.train)
        peaks["training, between epochs"] = held // REPEATS
        sent = pickle.dumps(loaders.train._loader._reader)
        loaders.close()
        read._opened_once.cache_clear()
        job("a loader worker", lambda: pickle.loads(sent), REPEATS)
        read._opened_once.cache_clear()
        job("SimpleDataSet, opened", lambda: ListDataset(labels, folder))
    finally:
        patch.stopall()
        tracemalloc.stop()
    return peaks


def _steps_known(
    of: Callable[..., dict[int, int]],
) -> Callable[..., dict[int, int]]:
    """Returns `ctc_lengths` that builds the network once: it is the same for any number."""
    known: dict[int, int] | None = None

    def steps(*arguments: Any) -> dict[int, int]:
        nonlocal known
        known = of(*arguments) if known is None else known
        return known

    return steps


def _peak(work: Callable[[], Any]) -> tuple[int, Any]:
    """Returns the most bytes that a call allocates at a time, and its result."""
    gc.collect()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    result = work()
    return tracemalloc.get_traced_memory()[1] - before, result


def _held(loader: TrainLoader) -> int:
    """Returns the bytes that stay while an epoch's batches are trained on."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    batches = loader.plan_epoch(2)
    gc.collect()
    plan = tracemalloc.get_traced_memory()[0] - before
    assert batches
    samples = loader._samples
    return plan + samples.widths.nbytes + samples.usable.left_out.nbytes


def _packed(folder: Path, labels: Path, images: Path | None = None) -> Path:
    pack(labels, images or folder, folder / "lmdb")
    return folder / "lmdb"


def _draw(folder: Path, count: int, seed: int = 0) -> Path:
    """Writes different images of 32 px height with labels of 12 characters; returns the list."""
    rng = np.random.default_rng([seed, count])
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        pixels = rng.integers(0, 255, (32, 8 * int(rng.integers(12, 20))), np.uint8)
        cv2.imwrite(str(folder / f"images/{number}.png"), pixels)
        text = "".join(rng.choice(list("0123456789"), 12))
        rows.append(f"images/{number}.png\t{text}\n")
    (folder / "labels.txt").write_text("".join(rows))
    return folder / "labels.txt"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        for name, slope in measure(Path(work)).items():
            echo(f"{name}: {slope:.1f} bytes a sample, {slope / 10:.1f} GB at 100 million")
