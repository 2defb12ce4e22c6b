"""The object store as a further place to look into, for users who have its keys."""

from ocr_lib.settings import Settings
from ocr_lib.storage.store import Store
from pipelines.kfp_api.logs import OpenStore


def store_opener() -> OpenStore | None:
    """Returns what opens the object store that the environment names; None where it names none."""
    return Store.from_env if Settings.from_env().s3_endpoint else None
