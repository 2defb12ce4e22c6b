"""The parts that several pods packed become one data set; their shards stay where they are."""

from collections.abc import Sequence
from pathlib import Path

from components.shared.links import Link, link_tree
from components.shared.pointer import Pointer
from components.shared.store import Store
from ocr_lib.data.lmdb_store import merge
from ocr_lib.data.manifest import MANIFEST, SAMPLES
from ocr_lib.errors import DataError


def join(packed: Sequence[Pointer], split: str, work: Path) -> Pointer:
    """Returns one data set of all parts of a split; a single part is returned as it is.

    The order of the parts is that of their sources, whichever pod packed which. Only manifests and
    sample tables are fetched, and only a manifest is written.

    Args:
        packed: pointers to the parts of all splits.
        split: `train` or `eval`.
        work: a folder that does not exist yet.

    Raises:
        DataError: there is no part of this split.
    """
    parts = sorted(
        (pointer for pointer in packed if pointer.metadata["split"] == split),
        key=lambda pointer: str(pointer.metadata["source_uri"]),
    )
    if not parts:
        raise DataError(split, "no part of this split was packed", "Run the packing again")
    if len(parts) == 1:
        return parts[0]
    store, links = Store.from_env(), dict[str, Link]()
    folders = [work / f"part-{number:04d}" for number in range(len(parts))]
    trees = [
        store.get_files(part.uri, folder, _is_small)
        for part, folder in zip(parts, folders, strict=True)
    ]
    (work / "joined").mkdir()
    manifest, places = merge(folders, work / "joined")
    for name, (number, shard) in places.items():
        prefix = parts[number].uri.removeprefix(store.uri(""))
        for file in next(s.files for s in manifest.shards if s.name == name):
            entry = trees[number].files[f"{shard}/{file}"]
            links[f"{name}/{file}"] = entry, trees[number].key(prefix, f"{shard}/{file}")
    name = str(parts[0].metadata["name"])
    uri = link_tree(store, work / "joined", links, f"datasets/{name}/{{digest}}/lmdb")
    return Pointer(
        uri,
        store.get_manifest(uri).digest,
        {
            "name": name,
            "parts": len(parts),
            "samples": manifest.samples,
            "dropped": manifest.statistics.dropped_samples,
            "characters": len(manifest.statistics.characters),
            "shards": len(manifest.shards),
        },
    )


def _is_small(name: str) -> bool:
    return Path(name).name in (MANIFEST, SAMPLES)
