"""Whether an image is in two of train, validation and test, at the price of the sample tables."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from ocr_lib.data.equal_images import shared_with
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.lmdb_store.manifest import MANIFEST, SAMPLES
from ocr_lib.data.lmdb_store.read import read_checksums
from ocr_lib.errors import DataError
from ocr_lib.evaluation.leaks import refuse_leaks
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store


def refuse_shared_images(store: Store, sets: Mapping[str, ArtifactRef | None], work: Path) -> None:
    """Compares checksums and lengths of each pair; where some are equal, the images themselves.

    Args:
        store: holds the data sets.
        sets: role → where its data set is, in the order train, validation, test; None for no
            validation set.
        work: a folder that does not exist yet.

    Raises:
        DataError: an image is in two sets, byte for byte.
    """
    remote = {role: pointer for role, pointer in sets.items() if pointer is not None}
    for role, pointer in remote.items():
        manifest = store.get_files(pointer.uri, work / "tables" / role, _is_small)
        if manifest.digest != pointer.digest:
            raise DataError(
                pointer.uri, f"the {role} set was changed meanwhile", "Run the pipeline again"
            )
    keys = {role: read_checksums(work / "tables" / role) for role in remote}
    for used, new in combinations(remote, 2):
        if shared_with(keys[used], keys[new]):
            pair = [
                (role, LmdbDataset(download(store, remote[role], work / "whole" / role)))
                for role in (used, new)
            ]
            refuse_leaks(*pair)


def _is_small(name: str) -> bool:
    return Path(name).name in (MANIFEST, SAMPLES)
