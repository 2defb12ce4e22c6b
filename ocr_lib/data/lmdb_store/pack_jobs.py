"""Packs shards in one or several processes; uses again what an earlier run finished."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from ocr_lib.atomic import atomic_directory, write_json
from ocr_lib.data.lmdb_store.manifest import FORMAT, SHARD, Shard, ShardFile
from ocr_lib.data.lmdb_store.shard import Entry, Rules, write_shard
from ocr_lib.data.lmdb_store.statistics import Statistics
from ocr_lib.errors import DataError
from ocr_lib.regular_file import read_bounded
from ocr_lib.workers import LateWorkerError, results_in_order

Packed = tuple[Shard, Statistics]
STALL_S, IMAGE_S = 900.0, 1.0  # that a shard may take, and each of its images on top


@dataclass(frozen=True)
class Job:
    """One shard to pack.

    Attributes:
        directory: where it will lie.
        entries: its images, in order.
        rules: which of them are bad.
    """

    directory: Path
    entries: tuple[Entry, ...]
    rules: Rules

    @cached_property
    def inputs(self) -> str:
        """SHA-256 of everything but the images that decides what is in the shard."""
        rules = self.rules
        dictionary = rules.dictionary.digest if rules.dictionary else None
        head = [FORMAT, rules.list_name, str(rules.image_root), dictionary, rules.max_text_length]
        rows = [f"{line}\0{path}\0{label}" for line, path, label in self.entries]
        return hashlib.sha256("\n".join([json.dumps(head), *rows]).encode()).hexdigest()


def run_jobs(
    jobs: Iterable[Job], workers: int, progress: Callable[[int], None]
) -> Iterator[tuple[Job, Shard, Statistics]]:
    """Packs every job and yields each with its shard, in order.

    Args:
        jobs: read as they are needed.
        workers: processes; 1 packs in this one, and so does a single job.
        progress: called with numbers of images done.

    Raises:
        OSError, lmdb.Error: the disk is full or fails.
        DataError: a shard took longer than any storage needs; the workers are killed.
    """
    jobs = iter(jobs)
    first = list(islice(jobs, 2))
    jobs = chain(first, jobs)
    if workers <= 1 or len(first) < 2:
        for job in jobs:
            yield job, *pack_shard(job, progress)
        return
    try:
        for job, packed in results_in_order(pack_shard, jobs, workers, timeout_s=_longest_s):
            progress(len(job.entries))
            yield job, *packed
    except LateWorkerError as error:
        raise DataError(
            str(first[0].directory.parent),
            f"a shard is not packed ({error})",
            f"Look at its storage and that of {first[0].rules.image_root}, then pack again: "
            "finished shards are used",
        ) from error


def pack_shard(job: Job, progress: Callable[[int], None] | None = None) -> Packed:
    """Packs one shard, or returns it if an earlier run finished it."""
    progress = progress or _silent
    packed = _finished(job)
    if packed is not None:
        progress(len(job.entries))
        return packed
    with atomic_directory(job.directory) as work:
        shard, statistics = write_shard(job.entries, job.rules, work, progress)
        shard = replace(shard, name=job.directory.name)
        record = {
            "inputs": job.inputs,
            "shard": asdict(shard),
            "statistics": statistics.to_dict(),
        }
        write_json(work / SHARD, record)
    return shard, statistics


def _silent(count: int) -> None:
    """The progress of a worker process; its parent counts whole shards."""


def _longest_s(job: Job) -> float:
    """Returns how long a shard may take; a storage that is slower has failed."""
    return STALL_S + IMAGE_S * len(job.entries)


def _finished(job: Job) -> Packed | None:
    """Returns the shard on disk if it is whole and made of just these inputs."""
    try:
        path = job.directory / SHARD
        record = json.loads(read_bounded(path))
        shard = Shard.from_dict(record["shard"])
        whole = record["inputs"] == job.inputs and all(
            ShardFile.of(job.directory / name) == entry for name, entry in shard.files.items()
        )
        if whole and _newest_change(job) <= path.stat().st_mtime_ns:
            return shard, Statistics.from_dict(record["statistics"])
    except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: pack it again
        pass
    return None


def _newest_change(job: Job) -> int:
    """Returns when an image last changed, ns. The change time: unpacking sets the other one back.

    Raises:
        OSError: an image is missing, so the shard has to be packed again to say so.
    """
    root = job.rules.image_root
    return max(Path(f"{root}/{path}").stat().st_ctime_ns for _, path, _ in job.entries)
