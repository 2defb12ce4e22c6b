"""Whether evaluation images are among the training images, at the price of the sample tables."""

from pathlib import Path

import numpy as np

from components.shared.handoff import fetch
from components.shared.pointer import Pointer
from components.shared.store import Store
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.data.manifest import SAMPLES
from ocr_lib.data.samples import keys_of
from ocr_lib.errors import DataError
from ocr_lib.evaluation.leaks import candidates, leaks, refuse_leaks


def refuse_leaked_images(train_lmdb: Pointer, evaluation: LmdbDataset, work: Path) -> None:
    """Compares checksums and lengths; only where some are equal, all training images are fetched.

    Args:
        train_lmdb: the training set in the store.
        evaluation: the evaluation set.
        work: a folder that does not exist yet.

    Raises:
        DataError: an evaluation image is a training image, byte for byte.
    """
    store = Store.from_env()
    tables = work / "tables"
    manifest = store.get_files(train_lmdb.uri, tables, lambda name: Path(name).name == SAMPLES)
    if manifest.digest != train_lmdb.digest:
        raise DataError(
            train_lmdb.uri, "other data lie there now than were trained on", "Run the steps again"
        )
    for path in sorted(tables.rglob(SAMPLES)):
        if candidates(keys_of(np.load(path, allow_pickle=False)), evaluation.keys):
            train = LmdbDataset(fetch(train_lmdb, work / "all"))
            refuse_leaks(train, evaluation, leaks(train, evaluation))
            return
