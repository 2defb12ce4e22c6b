"""Reads packed data sets: every sample's checksum is checked, whichever process asks."""

import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import SAMPLE, Sample, checksums_of, sizes_of
from ocr_lib.data.lmdb_store.environment import open_environment
from ocr_lib.data.lmdb_store.manifest import DATA, SAMPLES, Manifest, Shard, ShardFile
from ocr_lib.errors import LmdbError

LABEL = b"label-"
AGAIN = "Pack the labels again, with `ocr pack-lmdb` or the tool that made it"


class LmdbReader:
    """Records of one LMDB environment; opened when first read, in each process for itself.

    Args:
        directory: holds data.mdb.
        expected_bytes: its length by the manifest; None where there is none.
    """

    def __init__(self, directory: Path, expected_bytes: int | None = None) -> None:
        self.directory = directory
        self._expected_bytes = expected_bytes
        self._environment: lmdb.Environment | None = None
        self._process = 0

    def record(self, row: int) -> tuple[bytes, str]:
        """Returns image and label of a row, counted from 0.

        Raises:
            LmdbError: there is no such record, or it is damaged.
        """
        number = row + 1
        try:
            with self._opened().begin() as transaction:
                image = transaction.get(b"image-%09d" % number)
                label = transaction.get(b"label-%09d" % number)
            if image is None or label is None:
                raise self._damaged(row, "the record is missing")
            return image, label.decode()
        except (lmdb.Error, UnicodeDecodeError) as error:
            raise self._damaged(row, str(error)) from None

    def labels(self) -> Iterator[str]:
        """Yields all labels in order.

        Raises:
            LmdbError: the file is damaged.
        """
        row = 0
        try:
            with self._opened().begin() as transaction, transaction.cursor() as cursor:
                if cursor.set_range(LABEL):
                    for row, (key, value) in enumerate(cursor):  # noqa: B007
                        if not key.startswith(LABEL):
                            break
                        yield value.decode()
        except (lmdb.Error, UnicodeDecodeError) as error:
            raise self._damaged(row, str(error)) from None

    def count(self) -> int:
        """Returns `num-samples`.

        Raises:
            LmdbError: there is none, or it is no count, or one of more than all records.
        """
        try:
            with self._opened().begin() as transaction:
                written = transaction.get(b"num-samples")
                records = transaction.stat()["entries"]
        except lmdb.Error as error:
            raise LmdbError(str(self.directory), f"unreadable ({error})", AGAIN) from None
        if written is None:
            raise LmdbError(str(self.directory), "an LMDB without num-samples", AGAIN)
        if not re.fullmatch(rb"[0-9]{1,12}", written):
            shown = written[:40].decode("utf-8", "backslashreplace")
            raise LmdbError(str(self.directory), f"num-samples is {shown!r}, not a count", AGAIN)
        count = int(written)
        if count > records:
            cause = f"num-samples is {count}, but there are {records} records in all"
            raise LmdbError(str(self.directory), cause, AGAIN)
        return count

    def _opened(self) -> lmdb.Environment:
        if self._environment is None or self._process != os.getpid():
            self._environment = open_environment(self.directory, self._expected_bytes)
            self._process = os.getpid()
        return self._environment

    def _damaged(self, row: int, cause: str) -> LmdbError:
        return LmdbError(
            f"{self.directory / DATA} sample {row + 1}", cause, "Fetch or pack the data set again"
        )


class LmdbDataset:
    """A packed data set. Cheap to open and to pickle; safe in threads and after forks.

    Args:
        root: the folder with manifest.json.
        rows: neighbouring samples that alone will be read; data of shards without any of them may
            be missing. None for all.

    Raises:
        LmdbError: no manifest, or a shard is missing or has another length than packed.
    """

    def __init__(self, root: str | Path, rows: range | None = None) -> None:
        self.root = Path(root)
        self.manifest = Manifest.load(self.root)
        self._rows = rows
        needed = self.manifest.shards_of(rows or range(self.manifest.samples))
        for shard in self.manifest.shards:
            for name, entry in shard.files.items():
                if name == SAMPLES or shard.name in needed:
                    _check_length(self.root / shard.name / name, entry)
        self._shards = self.manifest.shards
        self._readers = [
            LmdbReader(self.root / shard.name, shard.files[DATA].bytes) for shard in self._shards
        ]
        self._tables = _load_tables(self.root, self.manifest)
        self._sample_rows = self.manifest.rows
        self._ends = np.cumsum([shard.samples for shard in self._shards])

    def __len__(self) -> int:
        return len(self._sample_rows)

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Width and height in px of every image, int32 [len, 2]; read at each call."""
        sizes = np.concatenate([sizes_of(table) for table in self._tables])
        return np.asarray(self._sample_rows.without_left_out(sizes), np.int32)

    @property
    def checksums(self) -> NDArray[np.uint64]:
        """A number of every image's content, uint64 [len]; read at each call."""
        return _checksums(self._tables, self.manifest)

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:  # noqa: ARG002
        """Returns sample `i`, which has one image.

        Raises:
            LmdbError: the record is damaged.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"sample {i} of {len(self)}")
        position = self._sample_rows[i]
        shard = int(np.searchsorted(self._ends, position, side="right"))
        row = position - int(self._ends[shard]) + self._shards[shard].samples
        facts = self._tables[shard][row]
        image, label = self._readers[shard].record(row)
        if crc32(image) != facts["crc32"]:
            raise LmdbError(
                f"{self._readers[shard].directory / DATA} sample {row + 1}",
                "the image's checksum is not the one it was packed with",
                "Fetch or pack the data set again",
            )
        name = f"{self.manifest.source['label_list']}:{facts['line']}"
        return Sample(image, label, name)

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample in order, without reading images."""
        excluded = set(self.manifest.excluded)
        labels = chain.from_iterable(reader.labels() for reader in self._readers)
        yield from (label for row, label in enumerate(labels) if row not in excluded)

    def resample(self, epoch: int) -> bool:  # noqa: ARG002
        """Changes nothing: all samples are in every epoch."""
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.root, self.manifest.digest, self._rows)


def read_checksums(root: str | Path) -> NDArray[np.uint64]:
    """Returns `LmdbDataset.checksums` of a folder that needs manifest and sample tables only.

    Raises:
        LmdbError: no manifest, or a table is missing or was changed after packing.
    """
    root = Path(root)
    manifest = Manifest.load(root)
    return _checksums(_load_tables(root, manifest), manifest)


def _load_tables(root: Path, manifest: Manifest) -> list[NDArray[Any]]:
    return [_load_table(root / shard.name, shard) for shard in manifest.shards]


def _checksums(tables: list[NDArray[Any]], manifest: Manifest) -> NDArray[np.uint64]:
    checksums = np.concatenate([checksums_of(table) for table in tables])
    return np.asarray(manifest.rows.without_left_out(checksums), np.uint64)


@cache
def _reopen(root: Path, digest: str, rows: range | None) -> LmdbDataset:
    """Opens the data set that another process sent, once; sending it costs a path."""
    dataset = LmdbDataset(root, rows)
    if dataset.manifest.digest != digest:
        raise LmdbError(str(root), "packed again while it was in use", "Start again")
    return dataset


def _check_length(path: Path, entry: ShardFile) -> None:
    size = path.stat().st_size if path.exists() else None
    if size != entry.bytes:
        state = "missing" if size is None else f"{size:,} bytes instead of {entry.bytes:,}"
        raise LmdbError(str(path), state, "Fetch or pack the data set again")


def _load_table(directory: Path, shard: Shard) -> NDArray[Any]:
    """Maps samples.npy, whose every byte decides what is good: its digest is checked.

    Processes that read the same file share its pages, which the kernel may drop and read again.
    """
    path = directory / SAMPLES
    _check_length(path, shard.files[SAMPLES])
    if ShardFile.of(path) != shard.files[SAMPLES]:
        raise LmdbError(str(path), "changed after packing", "Fetch or pack the data set again")
    table = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    if table.dtype != SAMPLE or len(table) != shard.samples:
        raise LmdbError(str(path), "not the manifest's table", "Pack the labels again")
    return np.asarray(table)
