"""Some lines of a data set in the store, without the shards that hold none of them."""

from pathlib import Path

from ocr_lib.data.lmdb_store import LmdbDataset, Manifest
from ocr_lib.data.lmdb_store.manifest import DATA
from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store


def download_samples(store: Store, lmdb: ArtifactRef, rows: range, folder: Path) -> LmdbDataset:
    """Fetches the shards with these lines, and the tables of all.

    Args:
        store: holds it.
        lmdb: the data set.
        rows: positions of the lines in it.
        folder: an empty or new folder.

    Raises:
        DataError: it is another dataset now.
    """
    tables = folder / "tables"
    manifest = store.get_files(lmdb.uri, tables, lambda name: Path(name).name != DATA)
    if manifest.digest != lmdb.digest:
        raise DataError(lmdb.uri, "the data set was replaced after it was checked", "Run it again")
    needed = Manifest.load(tables).shards_of(rows)
    lines = folder / "lines"
    store.get_files(
        lmdb.uri, lines, lambda name: Path(name).name != DATA or Path(name).parent.name in needed
    )
    return LmdbDataset(lines, rows)
