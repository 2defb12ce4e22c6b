"""Packs a label list and its images into LMDB shards with a manifest.

Every shard appears whole: it is written to a temporary folder and renamed. A packing that was
killed goes on where it was when the same command runs again: a finished shard is used as it is
while its labels, the options and the images (none newer than the shard) are the same.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.atomic import write_json, write_text
from ocr_lib.data.base import checksums_of
from ocr_lib.data.label_list import LabelLine, read_label_list
from ocr_lib.data.labels.find import bounded_lines
from ocr_lib.data.lmdb_store.manifest import (
    MANIFEST,
    REPORT,
    SAMPLES,
    SHARD,
    Manifest,
    Shard,
    measure_sizes,
)
from ocr_lib.data.lmdb_store.pack_jobs import Job, run_jobs
from ocr_lib.data.lmdb_store.packing_dir import clear, packing_folder
from ocr_lib.data.lmdb_store.shard import Entry, Rules
from ocr_lib.data.lmdb_store.statistics import Statistics
from ocr_lib.data.roles import TRAIN, VALIDATION, Split, SplitRule, positions_in
from ocr_lib.digest import sha256_file
from ocr_lib.errors import DataError
from ocr_lib.progress import Progress
from ocr_lib.text.dictionary import Charset

SHARD_SAMPLES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """What decides which samples are packed, and how.

    Attributes:
        shard_samples: images of the label list that go into one shard.
        workers: processes; a shard is packed by one of them.
        dictionary: labels with other characters are bad samples; None accepts all.
        max_text_length: longer labels are bad samples; None accepts all.
        max_bad_fraction: of all samples, as a fraction of 1; more bad ones fail the packing.
        source_digest: names the content of the source; it goes into the manifest.
        delimiter: between path and label.
    """

    shard_samples: int = SHARD_SAMPLES
    workers: int = 1
    dictionary: Charset | None = None
    max_text_length: int | None = None
    max_bad_fraction: float = 0.01
    source_digest: str = ""
    delimiter: str = "\t"

    def __post_init__(self) -> None:
        if self.shard_samples < 1:
            raise ValueError(f"shard_samples is {self.shard_samples}, must be at least 1")


def pack(
    label_list: str | Path,
    image_root: str | Path,
    out_dir: str | Path,
    *,
    role: str = "",
    **options: Any,
) -> Manifest:
    """Packs every good sample of a label list; bad ones are dropped, counted and reported.

    A line with several images (a JSON list of paths) becomes one sample an image, all with the
    line's label.

    Args:
        label_list: PaddleOCR's form, `path<TAB>label` a line.
        image_root: the folder that the paths are relative to.
        out_dir: gets the shards, `report.json` and, last, `manifest.json`. An earlier data set
            there is replaced.
        role: what the data set is for (`train`, `validation`, `test`); empty where it is open.
        options: see `PackOptions`.

    Raises:
        LabelError: the label list is malformed.
        DataError: no such image folder, no samples, too many bad ones, or the disk is full.
        LmdbError: another process is packing into `out_dir`.

    Source: the layout is that of PaddleOCR's `LMDBDataSet` and of deep-text-recognition-benchmark.
    Unlike their scripts, labels are kept to the last character and every image is decoded.
    """
    label_list, out_dir = Path(label_list), Path(out_dir)
    packing = _Packing(label_list, Path(image_root), out_dir, PackOptions(**options))
    return packing.run({role: out_dir}, lambda _: role)[role]


def pack_split(
    label_list: str | Path,
    image_root: str | Path,
    out_dir: str | Path,
    rule: SplitRule,
    *,
    source: str = "",
    **options: Any,
) -> tuple[Split, dict[str, Manifest]]:
    """Packs a label list as two data sets, `OUT_DIR/train` and `OUT_DIR/validation`.

    Training images that are in the validation set too, byte for byte, are left out of the training
    set and counted in its manifest. All else is as in `pack`; `out_dir` itself gets a report over
    both.

    Args:
        label_list: as in `pack`.
        image_root: as in `pack`.
        out_dir: as in `pack`.
        rule: which samples are split off.
        source: name of the label list's source, see `Split.of`; the list's file name by default.
        options: see `PackOptions`.

    Returns:
        How the sides were told apart, and the manifest of each role that has samples.

    Raises:
        LabelError, DataError, LmdbError: as `pack`; the document's pattern is not in a path.
    """
    label_list, out_dir = Path(label_list), Path(out_dir)
    packing = _Packing(label_list, Path(image_root), out_dir, PackOptions(**options))
    paths = (line.paths[0] for line in read_label_list(label_list, packing.options.delimiter))
    split = Split.of(rule, paths, source or label_list.name, str(label_list))
    folders = {role: out_dir / role for role in (VALIDATION, TRAIN)}
    return split, packing.run(folders, lambda line: split.role(line.number, line.paths[0]))


@dataclass
class _Counted:
    """What was packed for a role."""

    shards: list[Shard] = field(default_factory=list)
    statistics: Statistics = field(default_factory=Statistics)


class _Packing:
    """One label list on its way into one data set or several."""

    def __init__(
        self, label_list: Path, image_root: Path, out_dir: Path, options: PackOptions
    ) -> None:
        if not image_root.is_dir():
            fix = "Give the folder that the label list's paths are relative to"
            raise DataError(str(image_root), "no such folder", fix)
        self.label_list = label_list
        self.out_dir = out_dir
        self.options = options
        self.rules = Rules(
            label_list.name, image_root.resolve(), options.dictionary, options.max_text_length
        )

    def run(
        self, folders: Mapping[str, Path], role_of: Callable[[LabelLine], str]
    ) -> dict[str, Manifest]:
        """Packs each role into its folder; returns the manifests of the roles with samples.

        Args:
            folders: role → folder, the one first whose images no other may have.
            role_of: the role of a line of the label list.
        """
        total = _count_images(self.label_list, self.options.delimiter)
        counted = {role: _Counted() for role in folders}
        with packing_folder(self.out_dir):
            for folder in folders.values():
                clear(folder)
            whole, total = self._pack(folders, role_of, counted, total)
            write_report(whole, total, self.label_list.name, self.out_dir)
            self._check_quota(whole, total)
            return self._finish(folders, counted)

    def _pack(
        self,
        folders: Mapping[str, Path],
        role_of: Callable[[LabelLine], str],
        counted: Mapping[str, _Counted],
        total: int,
    ) -> tuple[Statistics, int]:
        """Packs until the end or until too many are bad; returns counts over all roles."""
        roles = {folder: role for role, folder in folders.items()}
        jobs = chain.from_iterable(
            self._jobs(folder, lambda line, role=role: role_of(line) == role)  # type: ignore[misc]
            for folder, role in roles.items()
        )
        whole = Statistics()
        with Progress(total, "packing", "images") as progress:
            for job, shard, statistics in run_jobs(jobs, self.options.workers, progress.add):
                role_counts = counted[roles[job.directory.parent]]
                role_counts.shards.append(shard)
                role_counts.statistics.merge(statistics)
                whole.merge(statistics)
                if whole.dropped_samples > self.options.max_bad_fraction * total:
                    return whole, total
        return whole, whole.samples + whole.dropped_samples

    def _jobs(self, folder: Path, takes: Callable[[LabelLine], bool]) -> Iterator[Job]:
        """Cuts a role's lines into shards, one at a time: memory does not grow with the list."""
        held: list[Entry] = []
        index = 0
        for line in read_label_list(self.label_list, self.options.delimiter):
            if not takes(line):
                continue
            for path in line.paths:
                held.append((line.number, path, line.label))
                if len(held) == self.options.shard_samples:
                    yield Job(folder / f"shard-{index:05d}", tuple(held), self.rules)
                    held, index = [], index + 1
        if held:
            yield Job(folder / f"shard-{index:05d}", tuple(held), self.rules)

    def _check_quota(self, statistics: Statistics, total: int) -> None:
        bad, allowed = statistics.dropped_samples, self.options.max_bad_fraction
        if statistics.samples and bad <= allowed * total:
            return
        raise DataError(
            str(self.label_list),
            f"{bad:,} of {total:,} samples are bad, {allowed:.1%} are allowed: "
            + describe_dropped(statistics),
            f"See {self.out_dir / REPORT}; correct them, or raise max_bad_fraction "
            "(option --max-bad-fraction)",
        )

    def _finish(
        self, folders: Mapping[str, Path], counted: dict[str, _Counted]
    ) -> dict[str, Manifest]:
        """Writes the manifests; a role without samples leaves its drops to another, and no data."""
        empty = [
            role for role, role_counts in counted.items() if not role_counts.statistics.samples
        ]
        for role in empty:
            drops = counted.pop(role).statistics
            next(iter(counted.values())).statistics.merge(drops)
            shutil.rmtree(folders[role], ignore_errors=True)
        if self.out_dir not in folders.values():  # an earlier data set that was not split
            remove_shards(self.out_dir, keep=())
        manifests: dict[str, Manifest] = {}
        others = np.zeros(0, np.uint64)
        for role, role_counts in counted.items():
            manifests[role], checksums = self._finish_role(role, folders[role], role_counts, others)
            others = np.concatenate([others, checksums])
        return manifests

    def _finish_role(
        self, role: str, folder: Path, role_counts: _Counted, others: NDArray[np.uint64]
    ) -> tuple[Manifest, NDArray[np.uint64]]:
        """Removes what is not part of the data set and writes the manifest; returns its checksums.

        Args:
            role: which.
            folder: its folder.
            role_counts: its shards and counts.
            others: checksums of images that are left out here.
        """
        statistics = role_counts.statistics
        images = statistics.samples + statistics.dropped_samples
        names = {shard.name for shard in role_counts.shards}
        remove_shards(folder, keep=names)
        tables = [np.load(folder / name / SAMPLES, allow_pickle=False) for name in sorted(names)]
        checksums = np.concatenate([checksums_of(table) for table in tables])
        dictionary, options = self.rules.dictionary, self.options
        manifest = Manifest(
            {
                "label_list": self.label_list.name,
                "sha256": sha256_file(self.label_list),
                "digest": options.source_digest,
            },
            {
                "max_text_length": options.max_text_length,
                "dictionary": dictionary.digest if dictionary else None,
            },
            tuple(role_counts.shards),
            statistics,
            measure_sizes(tables),
            role,
        ).without(positions_in(checksums, others).tolist())
        write_report(statistics, images, self.label_list.name, folder, len(manifest.excluded))
        write_text(folder / MANIFEST, manifest.to_json())
        for name in names:  # it held this machine's paths, for resuming only
            (folder / name / SHARD).unlink(missing_ok=True)
        return manifest, checksums


def _count_images(label_list: Path, delimiter: str) -> int:
    """Returns the images of the label list; blank lines may count, as it is only a first look."""
    if next(read_label_list(label_list, delimiter), None) is None:
        raise DataError(str(label_list), "the label list has no lines", "Check how it was made")
    lines = 0
    with open(label_list, "rb") as file:
        for _, line in bounded_lines(file, label_list):
            if line.startswith(b"["):  # several images a line
                return sum(len(line.paths) for line in read_label_list(label_list, delimiter))
            lines += 1
    return lines


def remove_shards(folder: Path, keep: Iterable[str]) -> None:
    """Removes the shards of an earlier data set."""
    for path in folder.glob("shard-*"):
        if path.name not in keep:
            shutil.rmtree(path)


def write_report(
    statistics: Statistics, total: int, label_list: str, out_dir: Path, excluded: int = 0
) -> None:
    """Writes report.json: how many of `total` images were packed, and why the others were not.

    Args:
        statistics: over the images.
        total: of the images.
        label_list: its name.
        out_dir: gets the report.
        excluded: packed, but left out because they are validation images too.
    """
    report = {
        "label_list": label_list,
        "images": total,
        "packed": statistics.samples,
        "dropped": statistics.to_dict()["dropped"],
    }
    if excluded:
        report["equal_to_validation"] = excluded
    write_json(out_dir / REPORT, report)


def describe_dropped(statistics: Statistics) -> str:
    """Returns every reason with its count and first example, in one line."""
    return "; ".join(
        f"{dropped.count:,} x {reason} (first: {dropped.examples[0]})"
        for reason, dropped in sorted(statistics.dropped.items())
    )
