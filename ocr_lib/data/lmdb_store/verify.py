"""Checks a packed data set against its manifest, down to the sample (`ocr fsck`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from ocr_lib.data.base import SAMPLE
from ocr_lib.data.lmdb_store.manifest import DATA, SAMPLES, Manifest, Shard, ShardFile
from ocr_lib.data.lmdb_store.read import LmdbReader
from ocr_lib.errors import LmdbError
from ocr_lib.progress import Progress

NAMED = 10  # damaged samples named for each shard


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a check found; `problems` is empty where all is well."""

    root: Path
    shards: int
    samples: int
    problems: tuple[str, ...]


def verify(root: str | Path) -> VerifyReport:
    """Compares every file with the manifest's lengths and digests.

    Where a digest differs, the samples are read one by one to name the damaged ones.

    Raises:
        LmdbError: there is no manifest.
    """
    root = Path(root)
    manifest = Manifest.load(root)
    problems: list[str] = []
    with Progress(manifest.statistics.samples, "checking", "samples") as progress:
        for shard in manifest.shards:
            problems += _shard_problems(root / shard.name, shard)
            progress.add(shard.samples)
    names = {shard.name for shard in manifest.shards}
    strays = {path.parent for path in root.rglob(DATA)} - {root / name for name in names}
    problems += [f"{path}: not in the manifest, but PaddleOCR would read it" for path in strays]
    return VerifyReport(root, len(manifest.shards), manifest.samples, tuple(problems))


def _shard_problems(directory: Path, shard: Shard) -> Iterator[str]:
    whole = True
    for name, entry in shard.files.items():
        path = directory / name
        if not path.is_file():
            yield f"{path}: missing"
            return
        actual = ShardFile.of(path)
        if actual.bytes != entry.bytes:
            yield f"{path}: {actual.bytes:,} bytes instead of {entry.bytes:,}"
            return
        if actual.sha256 != entry.sha256:
            yield f"{path}: its content was changed after packing"
            whole = whole and name != DATA
            if name == SAMPLES:
                return
    if not whole:
        yield from _damaged_samples(directory, shard)


def _damaged_samples(directory: Path, shard: Shard) -> Iterator[str]:
    """Names the samples whose image has another checksum; the lengths are known to be right."""
    table = np.load(directory / SAMPLES, allow_pickle=False)
    if table.dtype != SAMPLE:
        return
    reader = LmdbReader(directory, shard.files[DATA].bytes)
    damaged = []
    for row, expected in enumerate(table["crc32"].tolist()):
        try:
            image, _ = reader.record(row)
            cause = None if crc32(image) == expected else "the image's checksum differs"
        except LmdbError as error:
            cause = error.cause
        if cause:
            damaged.append(f"{directory / DATA} sample {row + 1}: {cause}")
    yield from damaged[:NAMED]
    if len(damaged) > NAMED:
        yield f"{directory / DATA}: {len(damaged) - NAMED} more damaged samples"
    if not damaged:
        yield f"{directory / DATA}: every image is whole; labels or index may be damaged"
