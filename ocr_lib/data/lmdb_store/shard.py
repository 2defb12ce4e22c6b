"""Writes one shard: a checked, checksummed LMDB environment that PaddleOCR reads as it is.

Images first, then labels, then `num-samples`: keys in ascending order, so every page is filled
and appended, which needs half the time and a tenth less space than the usual alternating puts.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zlib import crc32

import lmdb
import numpy as np

from ocr_lib.atomic import atomic_file
from ocr_lib.data.decode import check_image
from ocr_lib.data.labels.images import read_image
from ocr_lib.data.lmdb_store.manifest import (
    DATA,
    PACKED_SAMPLE,
    SAMPLES,
    Shard,
    ShardFile,
    label_checksum,
)
from ocr_lib.data.lmdb_store.statistics import Dropped, Statistics, count_samples
from ocr_lib.errors import ImageError, ImageFormatError, SingleColourError
from ocr_lib.text.dictionary import Charset

COMMIT_BYTES = 16 << 20  # images held in memory between commits
MAP_SLACK_BYTES = 16 << 20
RECORD_BYTES = 8 << 10  # more than the pages of a record take beyond its value
LMDB_0_9 = 0  # the file format that older readers know

Progress = Callable[[int], None]


# One image of the label list: line, path, label. A plain tuple, since the garbage collector stops
# looking at those; with a million objects of any class it would take a tenth of the time.
Entry = tuple[int, str, str]


@dataclass(frozen=True)
class Rules:
    """What a sample must satisfy.

    Attributes:
        list_name: the label list's name, as messages show it.
        image_root: the folder that paths are relative to and must stay below.
        dictionary: labels with other characters are dropped; None accepts all.
        max_text_length: longer labels are dropped; None accepts all.
    """

    list_name: str
    image_root: Path
    dictionary: Charset | None
    max_text_length: int | None


class BadSampleError(Exception):
    """A sample that is left out; `reason` is one of a few, `cause` says more."""

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason, cause)
        self.reason = reason
        self.cause = cause


def write_shard(
    entries: Sequence[Entry], rules: Rules, directory: Path, progress: Progress
) -> tuple[Shard, Statistics]:
    """Packs `entries` into `directory` (which exists and is empty) and syncs it to disk.

    Args:
        entries: the shard's samples, in order.
        rules: which of them are bad.
        directory: its name is not used; the caller renames it.
        progress: called with the number of entries done since the last call.

    Returns:
        The shard, its name still empty, and the counts over its samples.

    Raises:
        OSError, lmdb.Error: the disk is full or fails.
    """
    checked = _ImageChecker(rules)
    environment = lmdb.open(
        str(directory), map_size=MAP_SLACK_BYTES, lock=False, sync=False, lib_version=LMDB_0_9
    )
    try:
        for records in _chunks(checked.images(entries, progress)):
            _append(environment, records)
        for records in _chunks(checked.label_records()):
            _append(environment, records)
        _append(environment, [(b"num-samples", b"%d" % len(checked.labels))])
        environment.sync(True)
    finally:
        environment.close()
    table = np.frombuffer(checked.rows, PACKED_SAMPLE)
    with atomic_file(directory / SAMPLES) as file:
        np.save(file, table, allow_pickle=False)
    files = {name: ShardFile.of(directory / name) for name in (DATA, SAMPLES)}
    return Shard("", len(table), files), count_samples(table, checked.labels, checked.dropped)


class _ImageChecker:
    """Reads and checks images one by one; remembers what the shard's tables need."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._root = f"{rules.image_root}/"
        self.labels: list[str] = []
        self.rows = array("I")  # the fields of PACKED_SAMPLE, row by row
        self.dropped: dict[str, Dropped] = {}

    def images(self, entries: Iterable[Entry], progress: Progress) -> Iterator[tuple[bytes, bytes]]:
        """Yields the record of every good image; notes its label, checksum and size."""
        for line, path, label in entries:
            try:
                self._check_label(label)
                data, (width, height) = self._read(path)
            except BadSampleError as bad:
                where = f"{self._rules.list_name}:{line}: {bad.cause}"
                self.dropped.setdefault(bad.reason, Dropped()).add(where)
            else:
                self.labels.append(label)
                checksum = label_checksum(label)
                self.rows.extend((crc32(data), len(data), width, height, line, checksum))
                yield b"image-%09d" % len(self.labels), data
            progress(1)

    def label_records(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields the record of every label."""
        for i, label in enumerate(self.labels, start=1):
            yield b"label-%09d" % i, label.encode()

    def _check_label(self, label: str) -> None:
        if not label:
            raise BadSampleError("empty label", "the label is empty")
        longest = self._rules.max_text_length
        if longest is not None and len(label) > longest:
            raise BadSampleError(
                "label too long", f"{len(label)} characters, more than {longest}: {label!r}"
            )
        if self._rules.dictionary is not None:
            unknown = self._rules.dictionary.unknown(label)
            if unknown:
                raise BadSampleError(
                    "characters outside the dictionary",
                    f"{''.join(sorted(set(unknown)))!r} in {label!r}",
                )

    def _read(self, path: str) -> tuple[bytes, tuple[int, int]]:
        if path.startswith("/") or (".." in path and ".." in PurePosixPath(path).parts):
            # A label list from elsewhere must not be able to pack any file of this machine.
            raise BadSampleError("path outside the image folder", f"{path!r} is not below it")
        try:
            data = read_image(self._root + path, str(self._rules.image_root))
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) else error
            raise BadSampleError("missing image", f"{path}: {cause}") from None
        try:
            return data, check_image(data, path)
        except ImageFormatError as error:
            raise BadSampleError("image format not accepted", f"{path}: {error.cause}") from None
        except SingleColourError as error:
            raise BadSampleError("image of a single colour", f"{path}: {error.cause}") from None
        except ImageError as error:
            raise BadSampleError("undecodable image", f"{path}: {error.cause}") from None


def _chunks(records: Iterable[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Groups records to about `COMMIT_BYTES` of memory."""
    chunk: list[tuple[bytes, bytes]] = []
    held = 0
    for record in records:
        chunk.append(record)
        held += len(record[1]) + 128
        if held >= COMMIT_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _append(environment: lmdb.Environment, records: Sequence[tuple[bytes, bytes]]) -> None:
    """Commits records whose keys follow all earlier ones; makes room in the map first."""
    info = environment.info()
    used = (info["last_pgno"] + 1) * environment.stat()["psize"]
    needed = used + MAP_SLACK_BYTES + sum(len(value) + RECORD_BYTES for _, value in records)
    if needed > info["map_size"]:
        environment.set_mapsize(needed)
    with environment.begin(write=True) as transaction:
        transaction.cursor().putmulti(records, append=True)
