"""The object store as a further place to look into, for users who have its keys."""

import os

from ocr_lib.storage.store import Store
from pipelines.kfp_api.logs import STORE, OpenStore


def store_opener() -> OpenStore | None:
    """Returns what opens the object store that the environment names; None where it names none."""
    return Store.from_env if os.environ.get(STORE) else None
