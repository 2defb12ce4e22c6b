"""The champion: the model in production when predicting began, pinned for a whole run.

`evaluations/<run>/champion.json` is created once, by the pod of the run that is first to predict;
all others adopt what is there, so that every partition and the verdict are about one champion,
whatever is deployed meanwhile. The deployment refuses when production is another one by then.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.bundle_schema import DICTIONARY, ONNX
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.registry.production import read_production
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in production that a candidate is compared with.

    Attributes:
        version: its number.
        bundle: URI of its bundle.
        digest: of the bundle.
    """

    version: int
    bundle: str
    digest: str


def champion_key(run: str) -> str:
    """Returns where a run's champion is pinned."""
    return f"evaluations/{run}/champion.json"


def pin_champion(store: Store, run: str, model: str) -> Champion | None:
    """Returns the champion of a run: the one pinned, or else production as it is now, pinned.

    Args:
        store: holds the registry and the pin.
        run: names the run.
        model: the model's name.

    Returns:
        None where nothing was in production.

    Raises:
        DataError: the pin is damaged, or of another model.
    """
    key = champion_key(run)
    if not store.exists(key):
        production = read_production(store, model)
        pin: dict[str, Any] = {"format": FORMAT, "model": model, "champion": None}
        if production:
            pin["champion"] = {
                "version": production.version,
                "bundle": production.bundle,
                "digest": production.digest,
            }
        with suppress(ConflictError):  # another pod of this run was faster: its champion holds
            store.replace_json(key, pin, None)
    # Read back: a store that ignores conditions keeps the last of two simultaneous writes.
    return read_champion(store, run, model)


def read_champion(store: Store, run: str, model: str = "") -> Champion | None:
    """Returns the champion that a run pinned; None where nothing was in production.

    Args:
        store: holds the pin.
        run: names the run.
        model: the model's name; "" takes any.

    Raises:
        MissingObjectError: the run has pinned none.
        DataError: the pin is damaged, or of another model.
    """
    key = champion_key(run)
    pin = store.get_json(key)
    try:
        if pin["format"] != FORMAT:
            raise ValueError(f"format {pin['format']!r}, {FORMAT} is known")
        named = str(pin["model"])
        values = pin["champion"]
        champion = values and Champion(
            int(values["version"]), str(values["bundle"]), str(values["digest"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            store.uri(key), f"not a pinned champion ({error})", "Start a new run"
        ) from error
    if model and named != model:
        cause = f"the run is about {named}, not {model}"
        raise DataError(store.uri(key), cause, "Start a new run for another model")
    return champion


def open_champion(store: Store, champion: Champion, folder: Path) -> Recognizer:
    """Downloads the champion's bundle and opens it just as it serves.

    Args:
        store: holds the bundle.
        champion: which one.
        folder: where to put it.

    Raises:
        DataError: it is another bundle.
    """
    store.get_tree(champion.bundle, folder)
    bundle = Bundle.open(folder, verify=False)
    if bundle.digest != champion.digest:
        raise DataError(
            champion.bundle,
            f"the bundle's digest is {bundle.digest}, production.json says {champion.digest}",
            "Restore the bundle, or roll back to another version",
        )
    bundle.check_files(ONNX, DICTIONARY)  # after a rollback it may hold only what servers need
    return open_bundle(folder, threads=len(os.sched_getaffinity(0)), verify=False)
