"""Open LMDB environments, at most one a file and process, opened again after a fork.

LMDB allows neither two openings of one file in a process nor use across a fork, and a file that
was cut short ends the process with SIGBUS when its missing part is touched; so the length is
checked before opening.
"""

import os
import struct
import threading
from pathlib import Path
from weakref import WeakValueDictionary

import lmdb

from ocr_lib.data.lmdb_store.manifest import DATA
from ocr_lib.errors import LmdbError

META_BYTES = 152  # page header and meta record of the 0.9 format
LMDB_0_9 = (0xBEEFC0DE, 1)  # magic number, version of the file format

_open: WeakValueDictionary[tuple[int, int], lmdb.Environment] = WeakValueDictionary()
_lock = threading.Lock()


def open_environment(directory: Path, expected_bytes: int | None = None) -> lmdb.Environment:
    """Opens `directory` for reading, without locks and without read-ahead.

    It closes with its last reference.

    Args:
        directory: holds data.mdb.
        expected_bytes: its length by the manifest; None asks the file itself.

    Raises:
        LmdbError: the file is missing, cut short or not an LMDB.
    """
    path = directory / DATA
    try:
        status = path.stat()
        if expected_bytes is None:
            expected_bytes = committed_bytes(path)
    except OSError as error:
        raise LmdbError(
            str(path), f"cannot be read ({error.strerror})", "Fetch or pack the data set again"
        ) from None
    if status.st_size < expected_bytes:
        raise LmdbError(
            str(path),
            f"cut short: {status.st_size:,} of {expected_bytes:,} bytes",
            "Fetch or pack the data set again",
        )
    with _lock:
        key = (status.st_dev, status.st_ino)
        environment = _open.get(key)
        if environment is None:
            environment = _open[key] = _read_only(directory)
        return environment


def committed_bytes(path: Path) -> int:
    """Returns the bytes that an LMDB file must have, by the newer of its two meta pages.

    Raises:
        LmdbError: it does not begin as a file of LMDB 0.9 does.
    """
    page_bytes = 4096
    with open(path, "rb") as file:
        metas = []
        for page in (0, 1):
            file.seek(page * page_bytes)
            content = file.read(META_BYTES)
            if len(content) < META_BYTES or struct.unpack_from("<II", content, 16) != LMDB_0_9:
                raise LmdbError(str(path), "not an LMDB 0.9 file", "Give a folder of LMDB data")
            (page_bytes,) = struct.unpack_from("<I", content, 40)  # of the free-list record
            last_page, transaction = struct.unpack_from("<QQ", content, 136)
            metas.append((transaction, (last_page + 1) * page_bytes))
    return int(max(metas)[1])


def _read_only(directory: Path) -> lmdb.Environment:
    try:
        return lmdb.open(
            str(directory), readonly=True, lock=False, readahead=False, create=False, max_readers=32
        )
    except lmdb.Error as error:
        raise LmdbError(
            str(directory), f"cannot be opened ({error})", "Fetch or pack the data set again"
        ) from None


def _after_fork() -> None:
    """In the child: forget what the parent opened, so that it is opened again."""
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    for environment in list(_open.values()):
        environment.close()
    _open.clear()


os.register_at_fork(after_in_child=_after_fork)
