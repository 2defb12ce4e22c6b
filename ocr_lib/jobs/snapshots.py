"""Checkpoints in the object store while training goes on, so that another machine can go on.

A snapshot is the part of the run directory that a resume needs, as a tree of its own: it counts
once its manifest is there. The one before stays, for the case that the newest is damaged; a damaged
one stays until it is uploaded again or two others are whole.
"""

import json
import logging
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ocr_lib.atomic import remove_abandoned
from ocr_lib.digest import sha256_file
from ocr_lib.errors import OcrError
from ocr_lib.jobs.heartbeat import HEARTBEAT
from ocr_lib.regular_file import read_bounded
from ocr_lib.storage.s3 import DigestError, MissingObjectError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME

log = logging.getLogger(__name__)
# As `ocr_lib.training.run_dir` has them; that would import paddle, which takes seconds and memory.
BEST, LATEST, PREVIOUS = "best_accuracy", "latest", "previous"
END_S = 900.0  # for the upload that runs when training ends
MAX_SNAPSHOTS = 2  # the newest, and the one before
PERIOD_S = 5.0  # between looks at the run directory
LOGS = ("train.log", "metrics.jsonl")  # they grow in place; everything else is replaced whole


class Snapshots:
    """Uploads each new `latest` checkpoint in the background while the block lasts.

    Whatever makes an upload fail, the store or this machine's disk, is reported, and the next
    checkpoint is tried again: training goes on.

    Args:
        store: where to.
        run: key of the run in the store; snapshots go below `<run>/snapshots/`.
        run_dir: the run directory.

    Attributes:
        failed: checkpoints that were not uploaded.
    """

    def __init__(self, store: Store, run: str, run_dir: Path) -> None:
        self.failed = 0
        self._store = store
        self._run = run
        self._prefix = f"{run}/snapshots"
        self._run_dir = run_dir
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="snapshots")

    def __enter__(self) -> "Snapshots":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join(END_S)
        if self._thread.is_alive():  # its requests have deadlines of their own
            log.warning("a checkpoint is still being uploaded after %.0f s: not waited for", END_S)

    def restore(self) -> None:
        """Fills a run directory without an intact checkpoint: from the newest intact snapshot.

        Where there are no snapshots, from the finished run; where that is not there either, the
        directory stays as it is.

        Raises:
            DigestError: there are snapshots, and none is intact.
        """
        if any(_is_intact(self._run_dir / name) for name in (LATEST, PREVIOUS)):
            return
        damaged: dict[str, str] = {}
        for name in reversed(self._complete()):
            try:
                self._store.get_tree(f"{self._prefix}/{name}", self._run_dir)
            except (DigestError, MissingObjectError) as error:
                damaged[name] = str(error)
                self._remove_partial_download()
            else:
                self._warn_of(damaged, name)
                return
        if damaged:
            raise DigestError(
                f"{self._store.uri(self._prefix)}: no snapshot of the run is intact: "
                f"{' '.join(damaged.values())} Start a new run."
            )
        if self._store.exists(f"{self._run}/{MANIFEST_NAME}"):
            self._store.get_tree(self._run, self._run_dir)

    def save(self) -> bool:
        """Uploads the present `latest` checkpoint, unless it is there already and whole.

        Returns:
            False where it is being written just now.
        """
        with tempfile.TemporaryDirectory(dir=self._run_dir.parent) as work:
            step = _copy(self._run_dir, Path(work) / "snapshot")
            if step is None:
                return False
            former = self._complete()
            name = f"{step:012d}"
            if name not in former or not self._is_whole(name):
                self._store.put_tree(Path(work) / "snapshot", f"{self._prefix}/{name}")
            others = [old for old in former if old != name]
            if len(others) >= MAX_SNAPSHOTS:
                others.sort(key=self._is_whole)  # stable: damaged ones go first, then the oldest
            for old in others[: 1 - MAX_SNAPSHOTS]:
                self._remove(old)
        return True

    def _is_whole(self, name: str) -> bool:
        return self._store.find_tree(f"{self._prefix}/{name}") is not None

    def _warn_of(self, damaged: dict[str, str], intact: str) -> None:
        """Says which snapshots are damaged; they stay, as the damage may be this machine's."""
        if damaged:
            log.warning(
                "damaged snapshot: %s The run goes on from %s.",
                " ".join(damaged.values()),
                self._store.uri(f"{self._prefix}/{intact}"),
            )

    def _remove_partial_download(self) -> None:
        for folder in self._run_dir.parent.glob(f".{self._run_dir.name}.*.partial"):
            remove_abandoned(folder)

    def clear(self) -> None:
        """Removes all snapshots, half-uploaded ones too: the run is complete, and elsewhere."""
        keys = [item.key for item in self._store.list(f"{self._prefix}/")]
        for key in sorted(keys, key=lambda key: not key.endswith(f"/{MANIFEST_NAME}")):
            self._store.remove(key)

    def _complete(self) -> list[str]:
        keys = (item.key for item in self._store.list(f"{self._prefix}/"))
        return sorted(key.split("/")[-2] for key in keys if key.endswith(f"/{MANIFEST_NAME}"))

    def _remove(self, name: str) -> None:
        self._store.remove(f"{self._prefix}/{name}/{MANIFEST_NAME}")
        for item in self._store.list(f"{self._prefix}/{name}/"):
            self._store.remove(item.key)

    def _watch(self) -> None:
        uploaded = None
        while not self._done.wait(PERIOD_S):
            try:
                present = (self._run_dir / f"{LATEST}.json").stat().st_mtime_ns
            except OSError:
                continue
            try:
                if present != uploaded and self.save():
                    uploaded = present
            except Exception as error:
                uploaded = present
                self._report(error)

    def _report(self, error: Exception) -> None:
        self.failed += 1
        defect = None if isinstance(error, OcrError | OSError) else error
        log.warning(
            "a checkpoint was not uploaded: %s. "
            "Training goes on; the next checkpoint is tried again.",
            str(error).rstrip("."),
            exc_info=defect,
        )


def _copy(run_dir: Path, target: Path) -> int | None:
    """Copies what a resume needs; returns the step of `latest`, None while it is being written."""
    target.mkdir()
    for path in run_dir.iterdir():
        with suppress(FileNotFoundError):  # it went away since
            if path.name in LOGS:
                shutil.copyfile(path, target / path.name)
            elif path.is_file() and _for_resume(path.name):
                _link(path, target / path.name)
    steps = {name: _step_of(target / name, run_dir) for name in (LATEST, BEST)}
    if steps[LATEST] is None or (steps[BEST] is None and (target / f"{BEST}.json").exists()):
        return None
    return steps[LATEST]


def _link(source: Path, target: Path) -> None:
    """Keeps a file as it is now, since files are replaced: by a link, or a copy without links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _for_resume(name: str) -> bool:
    """Tells whether a resume needs the file: not the checkpoints kept for other uses.

    The checkpoint before the last is a snapshot of its own in the store.
    """
    others = (".", "iter_epoch_", f"{PREVIOUS}.", HEARTBEAT)
    return not name.startswith(others) and not name.endswith(".npz")


def _step_of(prefix: Path, run_dir: Path) -> int | None:
    """Returns the step of a copied checkpoint, None unless all files are those of its manifest.

    Where a file is not, the run may have been stopped between naming it in the manifest and moving
    it into place, see `ocr_lib/training/checkpoint.py`: it is then taken from where it waits.
    """
    try:
        manifest = _manifest_of(prefix)
        for suffix, facts in manifest["files"].items():
            path = prefix.with_name(f"{prefix.name}{suffix}")
            if _is(path, facts):
                continue
            path.unlink(missing_ok=True)
            _link(run_dir / f".{path.name}.new", path)
            if not _is(path, facts):
                return None
        return int(manifest["global_step"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _is_intact(prefix: Path) -> bool:
    """Tells whether training can go on from a checkpoint: all files are there, or wait there."""
    try:
        return all(
            _is(path, facts) or _is(path.with_name(f".{path.name}.new"), facts)
            for suffix, facts in _manifest_of(prefix)["files"].items()
            for path in [prefix.with_name(f"{prefix.name}{suffix}")]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _manifest_of(prefix: Path) -> Any:
    return json.loads(read_bounded(prefix.with_name(f"{prefix.name}.json")))


def _is(path: Path, facts: dict[str, Any]) -> bool:
    return path.exists() and sha256_file(path) == facts["sha256"]
