"""The folder that is packed into: one packer at a time, no leftovers, plain words on failures."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path

import lmdb

from ocr_lib.data.lmdb_store.manifest import MANIFEST
from ocr_lib.errors import DataError, LmdbError

# LMDB says EIO where a write came out short, which is how a disk that fills up shows itself.
NO_ROOM_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def packing_folder(out_dir: Path) -> Iterator[None]:
    """Makes `out_dir` and keeps other packers out of it while the block runs.

    Raises:
        LmdbError: another process is packing into it.
        DataError: for any OSError and lmdb.Error of the block: the disk is full, or fails; and
            for a worker process that was killed.
    """
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with _only_packer(out_dir):
            clear(out_dir)
            yield
    except (OSError, lmdb.Error) as error:
        raise _disk_error(error, out_dir) from None
    except BrokenExecutor:
        raise DataError(
            str(out_dir),
            "a packing process was killed, perhaps for its memory",
            "Run the same command with fewer workers: finished shards are kept",
        ) from None


def clear(out_dir: Path) -> None:
    """From here on there is no data set; folders that a killed packing left go away."""
    (out_dir / MANIFEST).unlink(missing_ok=True)
    for pattern in (".shard-*.tmp", ".shard-*.old"):
        for path in out_dir.glob(pattern):
            shutil.rmtree(path)


@contextmanager
def _only_packer(out_dir: Path) -> Iterator[None]:
    handle = os.open(out_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fix = "Wait for it, or give another folder"
            raise LmdbError(str(out_dir), "another process is packing here", fix) from None
        yield
    finally:
        os.close(handle)


def _disk_error(error: OSError | lmdb.Error, out_dir: Path) -> DataError:
    full = isinstance(error, lmdb.DiskError | lmdb.MapFullError) or any(
        getattr(error, "errno", None) == code or os.strerror(code) in str(error)
        for code in NO_ROOM_CODES
    )
    if not full:
        return DataError(str(out_dir), f"cannot write here ({error})", "Check the folder's rights")
    room = shutil.disk_usage(out_dir).free / 2**20
    return DataError(
        str(out_dir),
        f"no room left on the disk, or it fails ({error}; {room:,.0f} MiB free)",
        "Make room and run the same command again: finished shards are kept",
    )
