"""Open LMDB environments, at most one a file and process, opened again after a fork.

LMDB allows neither two openings of one file in a process nor use across a fork, and a file that
was cut short or whose pages are damaged ends the process with SIGBUS; so length and pages are
checked before opening; pages once in a process and the workers that it starts.
"""

import os
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import lmdb

from ocr_lib.data.lmdb_store.manifest import DATA
from ocr_lib.data.lmdb_store.page_check import PageError, check_pages, read_meta
from ocr_lib.errors import LmdbError
from ocr_lib.regular_file import open_regular

AGAIN = "Fetch or pack the data set again"
SETTLED_S = 2.0  # a younger file may change without its time of change: no clock is finer

OPEN_TIMEOUT_S = 900.0  # that one thread waits for another one to check and open a file

CheckedFile = tuple[int, int, int, int]  # device, inode, bytes, time of change in ns
_checked: set[CheckedFile] = set()
_open: WeakValueDictionary[tuple[int, int], lmdb.Environment] = WeakValueDictionary()
_opening: dict[tuple[int, int], threading.Lock] = {}
_lock = threading.Lock()  # of the dictionary above; nothing is read while it is held


def open_environment(directory: Path, expected_bytes: int | None = None) -> lmdb.Environment:
    """Opens `directory` for reading, without locks and without read-ahead.

    It closes with its last reference.

    Args:
        directory: holds data.mdb.
        expected_bytes: its length by the manifest; None asks the file itself.

    Raises:
        LmdbError: the file is missing, cut short, damaged or not an LMDB, or another thread has
            been opening it for too long.
    """
    path = directory / DATA
    try:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            _check_length(path, status.st_size, file.fileno(), expected_bytes)
            key = (status.st_dev, status.st_ino)
            with _alone(key, path):
                environment = _open.get(key)
                if environment is None:
                    _check_pages(file.fileno(), status)
                    environment = _open[key] = _read_only(directory)
                return environment
    except OSError as error:
        raise LmdbError(str(path), f"cannot be read ({error.strerror})", AGAIN) from None
    except PageError as error:
        raise LmdbError(str(path), str(error), AGAIN) from None


@contextmanager
def _alone(key: tuple[int, int], path: Path) -> Iterator[None]:
    """Keeps other threads from the same file; a file that cannot be read holds up no other one."""
    with _lock:
        opening = _opening.setdefault(key, threading.Lock())
    if not opening.acquire(timeout=OPEN_TIMEOUT_S):
        cause = f"another thread has been opening it for {OPEN_TIMEOUT_S:.0f} s"
        raise LmdbError(str(path), cause, "Look at the storage that it is on")
    try:
        yield
    finally:
        opening.release()


def committed_bytes(path: Path) -> int:
    """Returns the bytes that an LMDB file must have, by the newer of its two meta pages.

    Raises:
        LmdbError: it does not begin as a file of LMDB 0.9 does.
    """
    try:
        with open_regular(path) as file:
            meta = read_meta(file.fileno())
    except PageError as error:
        raise LmdbError(str(path), str(error), "Give a folder of LMDB data") from None
    return meta.pages * meta.page_bytes


def checked_files() -> tuple[CheckedFile, ...]:
    """Returns the files whose pages this process has checked, for a worker's `trust`."""
    return tuple(_checked)


def trust(files: Collection[CheckedFile]) -> None:
    """Takes over what the process that started this one has checked."""
    _checked.update(files)


def _check_pages(file: int, status: os.stat_result) -> None:
    key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if key in _checked:
        return
    check_pages(file, read_meta(file))
    if time.time() - status.st_mtime > SETTLED_S:
        _checked.add(key)


def _check_length(path: Path, size: int, file: int, expected_bytes: int | None) -> None:
    """Refuses a file that is shorter than it says, or than the manifest says."""
    needed = expected_bytes or 0
    if size >= needed:
        meta = read_meta(file)
        needed = max(needed, meta.pages * meta.page_bytes)
    if size < needed:
        raise LmdbError(str(path), f"cut short: {size:,} of {needed:,} bytes", AGAIN)


def _read_only(directory: Path) -> lmdb.Environment:
    try:
        return lmdb.open(
            str(directory), readonly=True, lock=False, readahead=False, create=False, max_readers=32
        )
    except lmdb.Error as error:
        raise LmdbError(str(directory), f"cannot be opened ({error})", AGAIN) from None


def _after_fork() -> None:
    """In the child: forget what the parent opened, so that it is opened again."""
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it, or one of a file
    _opening.clear()
    for environment in list(_open.values()):
        environment.close()
    _open.clear()


os.register_at_fork(after_in_child=_after_fork)
