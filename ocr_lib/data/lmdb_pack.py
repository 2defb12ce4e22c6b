"""Packs a label list and its images into LMDB shards with a manifest.

Every shard appears whole: it is written to a temporary folder and renamed. A packing that was
killed goes on where it was when the same command runs again: a finished shard is used as it is
while its labels, the options and the images (none newer than the shard) are the same.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ocr_lib.atomic import write_json, write_text
from ocr_lib.data.label_list import read_label_list
from ocr_lib.data.lmdb_folder import packing_folder
from ocr_lib.data.lmdb_jobs import Job, run_jobs
from ocr_lib.data.lmdb_shard import Entry, Rules
from ocr_lib.data.manifest import (
    MANIFEST,
    REPORT,
    SAMPLES,
    SHARD,
    Manifest,
    Shard,
    measure_sizes,
)
from ocr_lib.data.statistics import Statistics
from ocr_lib.digest import sha256_file
from ocr_lib.errors import DataError
from ocr_lib.progress import Progress
from ocr_lib.text.dictionary import Dictionary

SHARD_SAMPLES = 20_000


def pack(
    label_list: str | Path,
    image_root: str | Path,
    out_dir: str | Path,
    *,
    shard_samples: int = SHARD_SAMPLES,
    workers: int = 1,
    dictionary: Dictionary | None = None,
    max_text_length: int | None = None,
    max_bad_share: float = 0.01,
    source_digest: str = "",
    delimiter: str = "\t",
) -> Manifest:
    """Packs every good sample of a label list; bad ones are dropped, counted and reported.

    A line with several images (a JSON list of paths) becomes one sample an image, all with the
    line's label.

    Args:
        label_list: PaddleOCR's form, `path<TAB>label` a line.
        image_root: the folder that the paths are relative to.
        out_dir: gets the shards, `report.json` and, last, `manifest.json`. An earlier data set
            there is replaced.
        shard_samples: images of the label list that go into one shard.
        workers: processes; a shard is packed by one of them.
        dictionary: labels with other characters are bad samples; None accepts all.
        max_text_length: longer labels are bad samples; None accepts all.
        max_bad_share: of all samples, as a fraction of 1; more bad ones fail the packing.
        source_digest: names the content of the source; it goes into the manifest.
        delimiter: between path and label.

    Raises:
        LabelError: the label list is malformed.
        DataError: no such image folder, no samples, too many bad ones, or the disk is full.
        LmdbError: another process is packing into `out_dir`.

    Source: the layout is that of PaddleOCR's `LMDBDataSet` and of deep-text-recognition-benchmark.
    Unlike their scripts, labels are kept to the last character and every image is decoded.
    """
    if shard_samples < 1:
        raise ValueError(f"shard_samples is {shard_samples}, must be at least 1")
    label_list, out_dir = Path(label_list), Path(out_dir)
    if not Path(image_root).is_dir():
        fix = "Give the folder that the label list's paths are relative to"
        raise DataError(str(image_root), "no such folder", fix)
    rules = Rules(label_list.name, Path(image_root).resolve(), dictionary, max_text_length)
    total = _count_images(label_list, delimiter)
    with packing_folder(out_dir):
        jobs = _jobs(_entries(label_list, delimiter), shard_samples, rules, out_dir)
        shards: list[Shard] = []
        statistics = Statistics()
        with Progress(total, "packing", "images") as progress:
            for shard, counts in run_jobs(jobs, workers, progress.add):
                shards.append(shard)
                statistics.merge(counts)
                if statistics.dropped_samples > max_bad_share * total:
                    break
            else:
                total = statistics.samples + statistics.dropped_samples
        write_report(statistics, total, label_list.name, out_dir)
        _check_quota(statistics, total, max_bad_share, label_list, out_dir)
        source = {
            "label_list": label_list.name,
            "sha256": sha256_file(label_list),
            "digest": source_digest,
        }
        return _finish(out_dir, shards, statistics, source, rules)


def _count_images(label_list: Path, delimiter: str) -> int:
    """Returns the images of the label list; blank lines may count, as it is only a first look."""
    if next(read_label_list(label_list, delimiter), None) is None:
        raise DataError(str(label_list), "the label list has no lines", "Check how it was made")
    lines = 0
    with open(label_list, "rb") as file:
        for line in file:
            if line.startswith(b"["):  # several images a line
                return sum(len(line.paths) for line in read_label_list(label_list, delimiter))
            lines += 1
    return lines


def _entries(label_list: Path, delimiter: str) -> Iterator[Entry]:
    for line in read_label_list(label_list, delimiter):
        for path in line.paths:
            yield line.number, path, line.label


def _jobs(entries: Iterator[Entry], size: int, rules: Rules, out_dir: Path) -> Iterator[Job]:
    """Cuts the entries into shards, one at a time: memory does not grow with the label list."""
    held: list[Entry] = []
    index = 0
    for entry in entries:
        held.append(entry)
        if len(held) == size:
            yield Job(out_dir / f"shard-{index:05d}", tuple(held), rules)
            held, index = [], index + 1
    if held:
        yield Job(out_dir / f"shard-{index:05d}", tuple(held), rules)


def write_report(statistics: Statistics, total: int, label_list: str, out_dir: Path) -> None:
    """Writes report.json: how many of `total` images were packed, and why the others were not."""
    report = {
        "label_list": label_list,
        "images": total,
        "packed": statistics.samples,
        "dropped": statistics.to_dict()["dropped"],
    }
    write_json(out_dir / REPORT, report)


def _check_quota(
    statistics: Statistics, total: int, max_bad_share: float, label_list: Path, out_dir: Path
) -> None:
    bad = statistics.dropped_samples
    if statistics.samples and bad <= max_bad_share * total:
        return
    raise DataError(
        str(label_list),
        f"{bad:,} of {total:,} samples are bad, {max_bad_share:.1%} are allowed: "
        + describe_dropped(statistics),
        f"{out_dir / REPORT} has more; correct them, or raise max_bad_share to drop them",
    )


def describe_dropped(statistics: Statistics) -> str:
    """Returns every reason with its count and first example, in one line."""
    return "; ".join(
        f"{dropped.count:,} x {reason} (first: {dropped.examples[0]})"
        for reason, dropped in sorted(statistics.dropped.items())
    )


def _finish(
    out_dir: Path,
    shards: list[Shard],
    statistics: Statistics,
    source: dict[str, Any],
    rules: Rules,
) -> Manifest:
    """Removes what is not part of the data set and writes the manifest."""
    names = {shard.name for shard in shards}
    for path in out_dir.glob("shard-*"):
        if path.name not in names:
            shutil.rmtree(path)
    tables = [np.load(out_dir / name / SAMPLES, allow_pickle=False) for name in sorted(names)]
    options = {
        "max_text_length": rules.max_text_length,
        "dictionary": rules.dictionary.digest if rules.dictionary else None,
    }
    manifest = Manifest(source, options, tuple(shards), statistics, measure_sizes(tables))
    write_text(out_dir / MANIFEST, manifest.to_json())
    for name in names:  # it held this machine's paths, for resuming only
        (out_dir / name / SHARD).unlink(missing_ok=True)
    return manifest
