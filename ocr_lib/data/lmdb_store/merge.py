"""Several packed data sets as one: a new manifest over the same shards, none of them copied."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.atomic import write_text
from ocr_lib.data.base import checksums_of
from ocr_lib.data.lmdb_store.manifest import MANIFEST, Manifest, Shard, load_table, measure_sizes
from ocr_lib.data.lmdb_store.pack import write_report
from ocr_lib.data.lmdb_store.statistics import Statistics
from ocr_lib.data.roles import positions_in
from ocr_lib.errors import LmdbError

Place = tuple[int, str]  # number of a part, name of a shard in it


def merge(
    parts: Sequence[Path],
    out_dir: Path,
    *,
    role: str = "",
    without: NDArray[np.uint64] | None = None,
) -> tuple[Manifest, dict[str, Place]]:
    """Writes the manifest of all parts together, in their order.

    Only what is small is read: each part's manifest.json and the samples.npy of its shards, 24
    bytes a sample. The result depends on the parts alone, not on who packed them where.

    Args:
        parts: folders with `manifest.json` and `shard-…/samples.npy`.
        out_dir: an existing folder; gets `report.json` and `manifest.json`.
        role: of the data set.
        without: `Dataset.checksums` of images that are left out, whatever the parts leave out; None
            leaves out nothing.

    Returns:
        The manifest, and where each of its shards lies.

    Raises:
        LmdbError: the parts were packed with different options.
    """
    manifests = [Manifest.load(part) for part in parts]
    _check_options(parts, manifests)
    places: dict[str, Place] = {}
    shards: list[Shard] = []
    statistics = Statistics()
    for number, manifest in enumerate(manifests):
        statistics.merge(manifest.statistics)
        for shard in manifest.shards:
            name = f"shard-{len(shards):05d}"
            places[name] = number, shard.name
            shards.append(replace(shard, name=name))
    tables = [
        load_table(parts[number] / places[shard.name][1], shard)
        for shard, (number, _) in zip(shards, places.values(), strict=True)
    ]
    sources = [manifest.source for manifest in manifests]
    merged = Manifest(
        _source(sources),
        manifests[0].options,
        tuple(shards),
        statistics,
        measure_sizes(tables),
        role,
    )
    if without is not None:
        checksums = np.concatenate([checksums_of(table) for table in tables])
        merged = merged.without(positions_in(checksums, without).tolist())
    total = statistics.samples + statistics.dropped_samples
    name = str(merged.source["label_list"])
    write_report(statistics, total, name, out_dir, len(merged.excluded))
    write_text(out_dir / MANIFEST, merged.to_json())
    return merged, places


def _source(sources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Names the content of all parts by one digest each for labels and data."""

    def digest(field: str) -> str:
        return hashlib.sha256(json.dumps([s[field] for s in sources]).encode()).hexdigest()

    return {
        "label_list": sources[0]["label_list"],
        "sha256": digest("sha256"),
        "digest": digest("digest"),
        "parts": len(sources),
    }


def _check_options(parts: Sequence[Path], manifests: Sequence[Manifest]) -> None:
    for part, manifest in zip(parts, manifests, strict=True):
        if manifest.options != manifests[0].options:
            raise LmdbError(
                str(part),
                f"packed with {manifest.options}, {parts[0]} with {manifests[0].options}",
                "Pack all parts with the same options",
            )
