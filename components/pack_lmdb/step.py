"""pack_lmdb between object stores: a label list and its images → LMDB shards."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from components.shared.handoff import fetch, fetch_source, publish
from components.shared.pointer import Pointer
from ocr_lib.data.labels.convert import LABEL_LIST
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.source import open_source


def pack_lmdb(labels: Pointer, work: Path, *, max_bad_fraction: float = 0.01) -> Pointer:
    """Packs the images that a label list names and uploads the shards.

    Args:
        labels: what gen_label handed on; its metadata names the images' source.
        work: an empty folder.
        max_bad_fraction: share of unusable samples at which to give up, 0 to 1.
    """
    name, digest = labels.metadata["name"], labels.metadata["source_sha256"]
    folder = work / name
    source, _ = fetch_source(labels.metadata["source_uri"], digest, folder / "source")
    manifest = pack(
        fetch(labels, folder / "labels") / LABEL_LIST,
        open_source(source, folder / "unpacked"),
        folder / "lmdb",
        workers=len(os.sched_getaffinity(0)),
        max_bad_share=max_bad_fraction,
        source_digest=digest,
    )
    return publish(
        folder / "lmdb",
        f"datasets/{name}/{{digest}}/lmdb",
        name=name,
        split=labels.metadata["split"],
        source_uri=labels.metadata["source_uri"],
        source_sha256=digest,
        samples=manifest.samples,
        dropped=manifest.statistics.dropped_samples,
        characters=len(manifest.statistics.characters),
        shards=len(manifest.shards),
    )


def pack_parts(
    labels: Sequence[Pointer], work: Path, max_bad_fraction: float = 0.01
) -> list[Pointer]:
    """Packs several parts, one after the other; see `pack_lmdb`."""
    packed = []
    for number, pointer in enumerate(labels):
        folder = work / f"part-{number:04d}"
        packed.append(pack_lmdb(pointer, folder, max_bad_fraction=max_bad_fraction))
        shutil.rmtree(folder)  # source, unpacked copy and shards: the next one needs the room
    return packed
