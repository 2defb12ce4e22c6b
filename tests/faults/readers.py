"""What a reader may see at any moment: results that are whole, or none."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from ocr_lib.data.label_list import read_label_list
from ocr_lib.data.lmdb_store.verify import verify
from ocr_lib.errors import CheckpointError, LmdbError, ServiceError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME
from ocr_lib.training import checkpoint

PAUSE_S = 0.02
LABELS = 40  # lines of the list that the steps convert


def read_store(store: Store, known: Iterable[str]) -> int:
    """Reads every tree and JSON object that is not among the known ones; returns how many.

    Raises:
        AssertionError: one of them is half of a result.
    """
    keys = {item.key for item in store.list("")} - set(known)
    trees = sorted(key.removesuffix(f"/{MANIFEST_NAME}") for key in keys if _is_manifest(key))
    singles = [key for key in keys if key.endswith(".json") and not _is_manifest(key)]
    with tempfile.TemporaryDirectory() as folder:
        for number, key in enumerate(trees):
            _read_tree(store, key, Path(folder) / str(number))
    for key in singles:
        if any(key.startswith(f"{tree}/") for tree in trees):
            continue
        try:
            content = store.get_bytes(key, 1 << 24)
        except ServiceError:
            continue  # it went meanwhile
        json.loads(content)
    return len(trees) + len(singles)


def _read_tree(store: Store, key: str, folder: Path) -> None:
    """A tree that is being replaced may be refused, but is never a mixture.

    Then its manifest is another one, or gone.
    """
    before = _manifest(store, key)
    if before is None:
        return
    try:
        store.get_tree(key, folder)
    except ServiceError as error:
        if _manifest(store, key) == before:
            raise AssertionError(f"{key}: complete, but cannot be read: {error}") from error
        return
    shutil.rmtree(folder)


def _manifest(store: Store, key: str) -> bytes | None:
    try:
        return store.get_bytes(f"{key}/{MANIFEST_NAME}", 1 << 24)
    except ServiceError:
        return None


def _is_manifest(key: str) -> bool:
    return key.endswith(f"/{MANIFEST_NAME}")


def read_local(work: Path) -> int:
    """Reads what is in the folders that steps write on this machine; returns how many results.

    Raises:
        AssertionError: a label list, data set, download or checkpoint is half of one.
    """
    seen = 0
    for labels in work.glob("out/labels.txt"):
        assert sum(1 for _ in read_label_list(labels)) == LABELS, f"{labels}: half a list"
        seen += 1
    seen += _read_packed(work / "out")
    for manifest in _json_files(work):
        prefix = manifest.with_suffix("")
        if prefix.name in ("latest", "best_accuracy") or prefix.name.startswith("iter_epoch"):
            seen += _read_checkpoint(prefix)
    return seen


def _json_files(work: Path) -> list[Path]:
    """Returns the JSON files below a folder, hidden folders aside: those hold what is not done."""
    found = []
    for at, folders, names in os.walk(work):  # passes over folders that go meanwhile
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(at) / name for name in names if name.endswith(".json")]
    return found


def _read_packed(folder: Path) -> int:
    """A data set that is being replaced has no manifest, and is no data set then."""
    before = _content(folder / "manifest.json")
    if before is None:
        return 0
    try:
        problems = list(verify(folder).problems)
    except (LmdbError, OSError) as error:
        problems = [str(error)]
    assert not problems or _content(folder / "manifest.json") != before, f"{folder}: {problems}"
    return 1


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _read_checkpoint(prefix: Path) -> int:
    """Reads a copy: loading puts the files of a half-published checkpoint into place."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = prefix.with_suffix(".json")
        for path in [*prefix.parent.glob(f".{prefix.name}.*.new"), *_files(prefix), manifest]:
            try:
                shutil.copyfile(path, Path(folder) / path.name)
            except FileNotFoundError:
                return 0  # moved meanwhile
        copied = (Path(folder) / manifest.name).read_bytes()
        try:
            checkpoint.load(Path(folder) / prefix.name)
        except CheckpointError as error:
            now = _content(manifest)
            staged = list(prefix.parent.glob(f".{prefix.name}.*.new"))
            if now == copied and not staged:
                raise AssertionError(f"{prefix}: {error}") from error
    return 1


def _files(prefix: Path) -> list[Path]:
    return [path for path in prefix.parent.glob(f"{prefix.name}.pd*") if path.is_file()] + list(
        prefix.parent.glob(f"{prefix.name}.states")
    )


def poll(known: tuple[str, ...], work: Path, stop: Path) -> None:
    """Reads all there is until the file `stop` exists; for a process next to the step's."""
    store, rounds, seen = Store.from_env(), 0, 0
    while not stop.exists():
        seen += read_store(store, known) + read_local(work)
        rounds += 1
        time.sleep(PAUSE_S)
    stop.write_text(f"{rounds} {seen}")
