"""Reads packed data sets: every sample's checksum is checked, whichever process asks."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import lmdb
import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import Sample, checksums_of, sizes_of
from ocr_lib.data.lmdb_store.environment import CheckedFile, checked_files, open_environment, trust
from ocr_lib.data.lmdb_store.manifest import (
    DATA,
    SAMPLES,
    Manifest,
    ShardFile,
    label_checksum,
    label_checksums,
    load_table,
)
from ocr_lib.errors import LmdbError

LABEL = b"label-"
SHOWN = 40  # bytes of a label in a message
REPACK = "Pack the labels again, with `ocr pack-lmdb` or the tool that made it"


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

    def open(self) -> None:
        """Opens the environment, where it is not open yet.

        Raises:
            LmdbError: it is missing or damaged.
        """
        self._opened()

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
        except lmdb.Error as error:
            raise self._damaged(row, str(error)) from None
        if image is None or label is None:
            missing = "label" if image else "image" if label else "record"
            raise self._damaged(row, f"the {missing} is missing")
        return image, self._decoded(row, label)

    def labels(self, count: int) -> Iterator[str]:
        """Yields all labels in order.

        Args:
            count: how many there are.

        Raises:
            LmdbError: the file is damaged.
        """
        row = 0
        try:
            with self._opened().begin() as transaction, transaction.cursor() as cursor:
                if cursor.set_range(LABEL):
                    for key, value in cursor:
                        if not key.startswith(LABEL):
                            break
                        if key != b"label-%09d" % (row + 1):
                            raise self._damaged(row, "the label is missing")
                        yield self._decoded(row, value)
                        row += 1
        except lmdb.Error as error:
            raise self._damaged(row, str(error)) from None
        if row != count:
            raise self._damaged(row, f"there are {row} labels and not {count}")

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
            raise LmdbError(str(self.directory), f"unreadable ({error})", REPACK) from None
        if written is None:
            raise LmdbError(str(self.directory), "an LMDB without num-samples", REPACK)
        if not re.fullmatch(rb"[0-9]{1,12}", written):
            shown = written[:40].decode("utf-8", "backslashreplace")
            raise LmdbError(str(self.directory), f"num-samples is {shown!r}, not a count", REPACK)
        count = int(written)
        if count > records:
            cause = f"num-samples is {count}, but there are {records} records in all"
            raise LmdbError(str(self.directory), cause, REPACK)
        return count

    def has_sample(self, number: int) -> bool:
        """Whether there is an image or a label of this number, counted from 1.

        Raises:
            LmdbError: the file is damaged.
        """
        keys = (b"%s-%09d" % (what, number) for what in (b"image", b"label"))
        try:
            with self._opened().begin() as transaction, transaction.cursor() as cursor:
                return any(map(cursor.set_key, keys))
        except lmdb.Error as error:
            raise self._damaged(number - 1, str(error)) from None

    def records(self) -> int:
        """Returns how many records of any kind there are."""
        with self._opened().begin() as transaction:
            return int(transaction.stat()["entries"])

    def changed(self, row: int, what: str) -> LmdbError:
        """Returns the error for an image or a label that was changed after packing."""
        return self._damaged(row, f"the {what}'s checksum is not the one it was packed with")

    def _opened(self) -> lmdb.Environment:
        if self._environment is None or self._process != os.getpid():
            self._environment = open_environment(self.directory, self._expected_bytes)
            self._process = os.getpid()
        return self._environment

    def _decoded(self, row: int, label: bytes) -> str:
        try:
            return label.decode()
        except UnicodeDecodeError:
            raise self._damaged(row, f"the label is not UTF-8: {label[:SHOWN]!r}") from None

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
            raise self._readers[shard].changed(row, "image")
        if label_checksums(self._tables[shard])[row] not in (0, label_checksum(label)):
            raise self._readers[shard].changed(row, "label")
        name = f"{self.manifest.source['label_list']}:{facts['line']}"
        return Sample(image, label, name)

    def labels(self) -> Iterator[str]:
        """Yields the label of every sample in order, without reading images.

        Raises:
            LmdbError: a label is missing, or was changed after packing.
        """
        excluded = set(self.manifest.excluded)
        start = 0
        for shard, reader, table in zip(self._shards, self._readers, self._tables, strict=True):
            checksums = label_checksums(table)
            for row, label in enumerate(reader.labels(shard.samples)):
                if start + row in excluded:
                    continue
                if checksums[row] not in (0, label_checksum(label)):
                    raise reader.changed(row, "label")
                yield label
            start += shard.samples

    def resample(self, epoch: int) -> bool:  # noqa: ARG002
        """Changes nothing: all samples are in every epoch."""
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (checked_files(), self.root, self.manifest.digest, self._rows)


def read_checksums(root: str | Path) -> NDArray[np.uint64]:
    """Returns `LmdbDataset.checksums` of a folder that needs manifest and sample tables only.

    Raises:
        LmdbError: no manifest, or a table is missing or was changed after packing.
    """
    root = Path(root)
    manifest = Manifest.load(root)
    return _checksums(_load_tables(root, manifest), manifest)


def _load_tables(root: Path, manifest: Manifest) -> list[NDArray[Any]]:
    return [load_table(root / shard.name, shard) for shard in manifest.shards]


def _checksums(tables: list[NDArray[Any]], manifest: Manifest) -> NDArray[np.uint64]:
    checksums = np.concatenate([checksums_of(table) for table in tables])
    return np.asarray(manifest.rows.without_left_out(checksums), np.uint64)


def _reopen(
    checked: tuple[CheckedFile, ...], root: Path, digest: str, rows: range | None
) -> LmdbDataset:
    """Opens the data set that another process sent, once; sending it costs a path."""
    trust(checked)
    return _opened_once(root, digest, rows)


@cache
def _opened_once(root: Path, digest: str, rows: range | None) -> LmdbDataset:
    dataset = LmdbDataset(root, rows)
    if dataset.manifest.digest != digest:
        raise LmdbError(str(root), "packed again while it was in use", "Start again")
    return dataset


def _check_length(path: Path, entry: ShardFile) -> None:
    size = path.stat().st_size if path.exists() else None
    if size != entry.bytes:
        state = "missing" if size is None else f"{size:,} bytes instead of {entry.bytes:,}"
        raise LmdbError(str(path), state, "Fetch or pack the data set again")
