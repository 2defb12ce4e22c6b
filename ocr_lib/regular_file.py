"""Files from elsewhere, opened without waiting and read within a bound.

A folder may hold pipes, which wait for a writer for ever, and links to devices without an end.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

DOCUMENT_BYTES = 64 << 20  # JSON and texts that this project writes; far above any of them


def open_regular(path: str | Path) -> BinaryIO:
    """Opens a file for reading.

    Raises:
        OSError: it cannot be opened, or it is no regular file: a folder, a pipe, a device.
    """
    handle = open_handle(path)
    return os.fdopen(handle, "rb")


def open_handle(path: str | Path, flags: int = 0) -> int:
    """Returns the descriptor of a regular file that is open for reading.

    Args:
        path: of the file.
        flags: more of `os.open`'s, such as `O_NOFOLLOW`.

    Raises:
        OSError: as `open_regular`.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
    except BaseException:
        os.close(handle)
        raise
    return handle


def read_bounded(path: str | Path, limit: int = DOCUMENT_BYTES) -> bytes:
    """Returns the content of a file of at most `limit` bytes, by default of a JSON document's.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger (EFBIG).
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size or limit  # 0 of files that the kernel makes up
        content = file.read(min(size, limit) + 1)  # which takes that much memory, filled or not
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(path))
    return content


def read_tail(file: BinaryIO, limit: int) -> bytes:
    """Returns the last bytes of an open file, `limit` at most."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - limit))
    return file.read(limit)
