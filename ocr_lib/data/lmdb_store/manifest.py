"""What a packed data set consists of: `manifest.json`, written last.

A directory without a manifest is not a data set, because packing did not finish. The manifest is
a function of the labels, the images and the options alone, so packing the same data again gives
the same bytes and the same digest.

    OUT/manifest.json                 this, complete
    OUT/report.json                   what was dropped, with the first examples
    OUT/shard-00000/data.mdb          LMDB, readable by PaddleOCR as it is
    OUT/shard-00000/samples.npy       a row a sample: checksum, size, line of the label list
    OUT/shard-00000/shard.json        this shard's part of the manifest, for resuming
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.base import SAMPLE
from ocr_lib.data.lmdb_store.statistics import Statistics
from ocr_lib.data.positions import Positions
from ocr_lib.digest import sha256_file
from ocr_lib.errors import LmdbError
from ocr_lib.regular_file import open_regular, read_bounded

FORMAT = "ocr-lmdb-2"
FORMATS = (FORMAT, "ocr-lmdb-1")  # the older one has no checksums of labels
MAX_BYTES = 256 << 20  # of the manifest; 100 million samples take some 2 MB
MANIFEST = "manifest.json"
REPORT = "report.json"
DATA = "data.mdb"
SAMPLES = "samples.npy"
SHARD = "shard.json"
# A row of samples.npy: what every data set knows of a sample, and the label's checksum, never 0.
PACKED_SAMPLE = np.dtype([*SAMPLE.descr, ("label_crc32", "<u4")])
MIN_ROW_BYTES = SAMPLE.itemsize  # of older data sets, without the label's
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One file of a shard."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Measures a file."""
        return cls(path.stat().st_size, sha256_file(path))


@dataclass(frozen=True, slots=True)
class Shard:
    """One LMDB environment of a data set.

    Attributes:
        name: its folder.
        samples: rows of samples.npy, and `num-samples` of the LMDB.
        files: `data.mdb` and `samples.npy`.
    """

    name: str
    samples: int
    files: dict[str, ShardFile]

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """Rebuilds what `asdict` returned.

        Raises:
            ValueError: a name is a path, or a number is none.
        """
        name, samples = str(value["name"]), value["samples"]
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no shard's name")
        files = {name: ShardFile(**entry) for name, entry in value["files"].items()}
        if set(files) != {DATA, SAMPLES}:
            raise ValueError(f"{name} has other files than {DATA} and {SAMPLES}")
        sizes = [samples, *(entry.bytes for entry in files.values())]
        if not all(type(size) is int and size >= 0 for size in sizes):
            raise ValueError(f"{name} has a size that is no number of bytes or samples")
        if samples * MIN_ROW_BYTES > files[SAMPLES].bytes:
            raise ValueError(f"{name} has more samples than its {SAMPLES} can hold")
        return cls(name, samples, files)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A complete data set.

    Attributes:
        source: where it comes from: `label_list`, its `sha256`, the caller's `digest` of the data.
        options: what decided which samples are in it.
        shards: in the order of the label list.
        statistics: over all shards.
        image_sizes: `width` and `height` → `min`, `median`, `max` in px.
        role: `train`, `validation` or `test`; empty where it was not said, as in older data sets.
        excluded: rows, counted over all shards, of samples that are left out: their images are in
            the validation set as well.
        format: of the manifest, so that an older one keeps its digest.
    """

    source: dict[str, Any]
    options: dict[str, Any]
    shards: tuple[Shard, ...]
    statistics: Statistics
    image_sizes: dict[str, dict[str, int]]
    role: str = ""
    excluded: tuple[int, ...] = ()
    format: str = FORMAT

    @property
    def samples(self) -> int:
        """Samples in all shards, without those left out."""
        return self.statistics.samples - len(self.excluded)

    @property
    def rows(self) -> Positions:
        """The row of every sample, counted over all shards."""
        return Positions(self.statistics.samples, np.array(self.excluded, np.int64))

    def without(self, excluded: Iterable[int]) -> Self:
        """Returns the data set with these rows left out, and no others."""
        return replace(self, excluded=tuple(sorted(excluded)))

    def shards_of(self, samples: range) -> set[str]:
        """Returns the names of the shards that hold neighbouring samples."""
        samples = range(self.samples)[samples.start : samples.stop]
        if not samples:
            return set()
        rows = range(self.rows[samples[0]], self.rows[samples[-1]] + 1)
        ends = list(accumulate(shard.samples for shard in self.shards))
        return {
            shard.name
            for shard, end in zip(self.shards, ends, strict=True)
            if end > rows.start and end - shard.samples < rows.stop
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest; it covers every file, so it names the data set's content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Returns the content of manifest.json."""
        value: dict[str, Any] = {
            "format": self.format,
            "source": self.source,
            "options": self.options,
            "shards": [asdict(shard) for shard in self.shards],
            "image_sizes": self.image_sizes,
            "statistics": self.statistics.to_dict(),
        }
        if self.role:
            value["role"] = self.role
        if self.excluded:
            value["excluded"] = self.excluded
        return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    @classmethod
    def load(cls, root: str | Path) -> Self:
        """Reads OUT/manifest.json.

        Raises:
            LmdbError: there is none, or it is not one of ours.
        """
        path = Path(root) / MANIFEST
        try:
            value = json.loads(read_bounded(path, MAX_BYTES))
            if value["format"] not in FORMATS:
                raise LmdbError(
                    str(path),
                    f"format {value['format']!r}, not {FORMAT!r}",
                    "Pack the labels again",
                )
            shards = tuple(map(Shard.from_dict, value["shards"]))
            statistics = Statistics.from_dict(value["statistics"])
            if sum(shard.samples for shard in shards) != statistics.samples:
                raise ValueError("statistics: not as many samples as in the shards")
            for key in ("source", "options", "image_sizes"):
                if not isinstance(value[key], dict):
                    raise ValueError(f"{key} is no mapping")
            if not isinstance(value["source"]["label_list"], str):
                raise ValueError("source.label_list is no path")
            return cls(
                value["source"],
                value["options"],
                shards,
                statistics,
                value["image_sizes"],
                str(value.get("role", "")),
                _rows(value.get("excluded", []), statistics.samples),
                value["format"],
            )
        except FileNotFoundError:
            raise LmdbError(
                str(path.parent),
                f"no data set here: it has no {MANIFEST}, which packing writes last",
                "Check the path, or run the packing again: finished shards are kept",
            ) from None
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            raise LmdbError(
                str(path), f"not a manifest ({error!r})", "Fetch or pack the data set again"
            ) from None


def label_checksum(label: str) -> int:
    """Returns the checksum of a label; never 0, which stands for none in older data sets."""
    return crc32(label.encode()) or 1


def label_checksums(table: NDArray[Any]) -> NDArray[np.uint32]:
    """Returns the checksums of the labels, uint32 [samples]; 0 where the table has none."""
    if "label_crc32" in (table.dtype.names or ()):
        return np.asarray(table["label_crc32"])
    return np.broadcast_to(np.uint32(0), len(table))


def load_table(directory: Path, shard: Shard) -> NDArray[Any]:
    """Maps samples.npy, whose every byte decides what is good: its digest is checked.

    Processes that read the same file share its pages, which the kernel may drop and read again.

    Returns:
        PACKED_SAMPLE [samples]; SAMPLE where the data set has no checksums of labels.

    Raises:
        LmdbError: it is missing, was changed after packing, or is not this shard's.
    """
    path = directory / SAMPLES
    try:
        size = path.stat().st_size
        if size != shard.files[SAMPLES].bytes:
            cause = f"{size:,} bytes instead of {shard.files[SAMPLES].bytes:,}"
            raise LmdbError(str(path), cause, "Fetch or pack the data set again")
        if ShardFile.of(path) != shard.files[SAMPLES]:
            raise LmdbError(str(path), "changed after packing", "Fetch or pack the data set again")
        with open_regular(path) as file:
            return _map_table(file, size, shard.samples)
    except OSError as error:
        cause = "missing" if isinstance(error, FileNotFoundError) else str(error.strerror)
        raise LmdbError(str(path), cause, "Fetch or pack the data set again") from None
    except ValueError:
        raise LmdbError(str(path), "not the manifest's table", "Pack the labels again") from None


def _map_table(file: BinaryIO, size: int, samples: int) -> NDArray[Any]:
    """Maps a table after its header said that it is of this size.

    Raises:
        ValueError: it is another array, or none.
    """
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"version {version}")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if shape != (samples,) or is_fortran or dtype not in (SAMPLE, PACKED_SAMPLE):
        raise ValueError(f"{dtype} {shape}")
    start = file.tell()
    if start + samples * dtype.itemsize != size:
        raise ValueError(f"{size} bytes")
    mapped = np.memmap(file, dtype, "r", start, shape)
    return np.asarray(mapped.view(np.ndarray))


def _rows(value: list[Any], samples: int) -> tuple[int, ...]:
    """Checks `Manifest.excluded` as it was read."""
    if value != sorted(set(value)) or not all(type(v) is int and 0 <= v < samples for v in value):
        raise ValueError("excluded: not rows of this data set")
    return tuple(value)


def measure_sizes(tables: Iterable[np.ndarray]) -> dict[str, dict[str, int]]:
    """Returns `Manifest.image_sizes` from the shards' samples.npy tables."""
    rows = np.concatenate([table[["width", "height"]] for table in tables])
    return {
        side: {
            "min": int(rows[side].min()),
            "median": int(np.median(rows[side])),
            "max": int(rows[side].max()),
        }
        for side in ("width", "height")
    }
