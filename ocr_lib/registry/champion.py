"""The model in production, fetched and opened as it serves."""

import os
from pathlib import Path

from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.storage.store import Store


def open_champion(store: Store, uri: str, digest: str, folder: Path) -> Recognizer:
    """Fetches a bundle from the registry and opens it just as it serves.

    Args:
        store: holds the registry.
        uri: where it lies.
        digest: which it must be.
        folder: where to put it.

    Raises:
        DataError: it is another bundle.
    """
    store.get_tree(uri, folder)
    actual = Bundle.open(folder, verify=False).digest
    if actual != digest:
        raise DataError(
            uri,
            f"the bundle's digest is {actual}, production.json says {digest}",
            "Restore the bundle, or roll back to another version",
        )
    return open_bundle(folder, threads=len(os.sched_getaffinity(0)))
