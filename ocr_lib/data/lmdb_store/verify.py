"""Checks an LMDB data set down to the sample (`ocr fsck`), a packed one against its manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from ocr_lib.data.lmdb_store.manifest import (
    DATA,
    MANIFEST,
    SAMPLES,
    Manifest,
    Shard,
    ShardFile,
    label_checksum,
    label_checksums,
    load_table,
)
from ocr_lib.data.lmdb_store.plain import PlainLmdb
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

    Where a digest differs, and in an LMDB of another tool, which has no digests, the samples are
    read one by one to name the damaged ones.

    Raises:
        LmdbError: there is neither a manifest nor an LMDB, or another tool's cannot be opened.
    """
    root = Path(root)
    if not (root / MANIFEST).exists() and (root / DATA).exists():
        return _verify_plain(PlainLmdb(root))
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
    """Names the samples that have another checksum; the lengths are known to be right."""
    reader = LmdbReader(directory, shard.files[DATA].bytes)
    try:
        table = load_table(directory, shard)
        reader.open()
    except LmdbError as error:
        yield f"{error.where}: {error.cause}"
        return
    expected = zip(table["crc32"].tolist(), label_checksums(table).tolist(), strict=True)
    damaged = []
    for row, (image_checksum, label_crc32) in enumerate(expected):
        try:
            image, label = reader.record(row)
        except LmdbError as error:
            damaged.append(f"{error.where}: {error.cause}")
            continue
        where = f"{directory / DATA} sample {row + 1}"
        if crc32(image) != image_checksum:
            damaged.append(f"{where}: the image's checksum differs")
        elif label_crc32 not in (0, label_checksum(label)):
            damaged.append(f"{where}: the label's checksum differs")
    yield from _named(damaged, directory)
    if not damaged:
        labels = "" if label_checksums(table).any() else "labels or "
        yield f"{directory / DATA}: every sample is whole; {labels}the index may be damaged"


def _verify_plain(dataset: PlainLmdb) -> VerifyReport:
    """Reads every record of an LMDB of another tool."""
    with Progress(len(dataset), "checking", "samples") as progress:
        damaged = []
        for i in range(len(dataset)):
            if fault := dataset.fault(i):
                damaged.append(f"{fault.where}: {fault.cause}")
            progress.add()
    problems = [*dataset.left_out, *_named(damaged, dataset.directory)]
    return VerifyReport(dataset.directory, 1, len(dataset), tuple(problems))


def _named(damaged: list[str], directory: Path) -> Iterator[str]:
    yield from damaged[:NAMED]
    if len(damaged) > NAMED:
        yield f"{directory / DATA}: {len(damaged) - NAMED} more damaged samples"
