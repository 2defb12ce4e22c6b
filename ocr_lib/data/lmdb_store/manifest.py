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
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np

from ocr_lib.data.lmdb_store.statistics import Statistics
from ocr_lib.data.positions import Positions
from ocr_lib.digest import sha256_file
from ocr_lib.errors import LmdbError

FORMAT = "ocr-lmdb-1"
MANIFEST = "manifest.json"
REPORT = "report.json"
DATA = "data.mdb"
SAMPLES = "samples.npy"
SHARD = "shard.json"


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
        """Rebuilds what `asdict` returned."""
        files = {name: ShardFile(**entry) for name, entry in value["files"].items()}
        return cls(str(value["name"]), int(value["samples"]), files)


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
    """

    source: dict[str, Any]
    options: dict[str, Any]
    shards: tuple[Shard, ...]
    statistics: Statistics
    image_sizes: dict[str, dict[str, int]]
    role: str = ""
    excluded: tuple[int, ...] = ()

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
            "format": FORMAT,
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
            value = json.loads(path.read_text(encoding="utf-8"))
            if value["format"] != FORMAT:
                raise LmdbError(
                    str(path),
                    f"format {value['format']!r}, not {FORMAT!r}",
                    "Pack the labels again",
                )
            return cls(
                value["source"],
                value["options"],
                tuple(map(Shard.from_dict, value["shards"])),
                Statistics.from_dict(value["statistics"]),
                value["image_sizes"],
                str(value.get("role", "")),
                _rows(value.get("excluded", []), int(value["statistics"]["samples"])),
            )
        except FileNotFoundError:
            raise LmdbError(
                str(path.parent),
                f"no data set here: it has no {MANIFEST}, which packing writes last",
                "Check the path, or run the packing again: finished shards are kept",
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LmdbError(
                str(path), f"not a manifest ({error!r})", "Fetch or pack the data set again"
            ) from None


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
