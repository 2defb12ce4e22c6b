"""Files and directories that appear whole or not at all.

What is written goes to a temporary name next to its target, is flushed to disk, then takes the
target's place by one rename; the parent directory is flushed last, so that the rename itself
survives a power cut. Two directories trade places (`RENAME_EXCHANGE`), so that a process which is
killed leaves either the former or the new one. Where a file system cannot do that (NFS), the former
one is moved aside first, and the next writer, or `recover`, puts it back.

A writer holds a lock on what it writes. A temporary name without a lock is a leftover of a process
that was killed: `recover` removes it, and trees that are uploaded leave it out (`is_temporary`).

On a file system of another machine a lock may be known to one client alone, or to none (the mount
options `nolock` and `local_lock` of NFS). There a leftover is what nothing was written to for a
day, by the clock of the file server, since those of its clients differ.
"""

import ctypes
import errno
import fcntl
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ocr_lib.regular_file import read_bounded

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of Linux' renameat2(2)
CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV)
SYNC_EACH = 256  # files; above, flushing the whole file system once is faster
ATTEMPTS = 10  # against other writers of the same name
# Types of file systems, as /proc/self/mountinfo has them, that several machines may write to.
SHARED = {
    *("nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "glusterfs", "beegfs", "9p", "afs"),
    *("virtiofs", "fuse"),  # and what FUSE mounts as `fuse.…`
}
ABANDONED_S = 86_400.0
MAX_MOUNTS_BYTES = 16 << 20
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}\.(?P<kind>tmp|old)", re.DOTALL)
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Opens a temporary file that replaces `path` when the block ends without an error."""
    path = Path(path)
    with _in_place_of(path):
        file, name = _temporary_file(path)
        with file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.chmod(name, 0o666 & ~_umask())  # mkstemp makes 0600, which others cannot read
                os.replace(name, path)
                _sync(path.parent)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise


def write_bytes(path: str | Path, content: bytes) -> None:
    """Replaces the file `path` with `content`."""
    with atomic_file(path) as file:
        file.write(content)


def write_text(path: str | Path, content: str) -> None:
    """Replaces the file `path` with `content` in UTF-8, line ends as given."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Replaces the file `path` with `value` as indented JSON, keys in the order given."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yields a temporary directory that becomes `path` when the block ends without an error.

    An existing `path` is replaced; leftovers of killed writers of `path` are removed first.
    """
    path = Path(path)
    with _in_place_of(path):
        recover(path)
        work, handle = _temporary_directory(path)
        try:
            yield work
            os.chmod(work, 0o777 & ~_umask())
            replace_directory(work, path)
        finally:
            _remove(work)  # also the former `path`, after the exchange
            os.close(handle)


def replace_directory(work: Path, path: Path) -> None:
    """Makes the directory `work` the one at `path`, flushed to disk before it is visible there.

    Afterwards `work` holds what was at `path`, or is gone: the caller removes it.

    Raises:
        OSError: it cannot be done; `path` is as it was.
    """
    _sync_tree(work)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if os.path.lexists(path):
                _exchange(work, path)
            else:
                work.rename(path)
            break
        except OSError as error:
            if error.errno in CANNOT_EXCHANGE:
                _replace_in_two_steps(work, path)
                break
            others = (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY)  # another writer was faster
            if error.errno not in others or attempt == ATTEMPTS or not work.exists():
                raise
    _sync(path.parent)


def recover(path: str | Path) -> None:
    """Undoes what a process left that was killed while it wrote the file or directory `path`.

    A former directory that it had moved aside comes back; temporary files and directories go,
    except those of writers that still run.
    """
    path = Path(path)
    _recover([item for item in _leftovers(path.parent) if _target(item) == path])


def recover_all(folder: str | Path) -> None:
    """Does what `recover` does for every file and directory right below `folder`."""
    _recover(_leftovers(Path(folder)))


def is_temporary(name: str) -> bool:
    """Tells whether a name is one under which this module writes."""
    return _TEMPORARY.fullmatch(name) is not None


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Holds the lock of a file or directory while the block lasts.

    Yields False where another process holds it, or where there are no locks.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        yield _lock(handle) is True
    finally:
        os.close(handle)


def remove_abandoned(path: Path) -> None:
    """Removes a file or directory unless a process holds its lock, or may hold one elsewhere."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            is_free = _lock(handle)
            is_shared = file_system_type(path) in SHARED
            if _age_s(path) > ABANDONED_S and is_free is not False if is_shared else is_free:
                _remove(path)
        finally:
            os.close(handle)


def file_system_type(path: Path) -> str:
    """Returns the type of the file system that a path is on, as `ext4`; "" if it is unknown."""
    device = path.lstat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in read_bounded("/proc/self/mountinfo", MAX_MOUNTS_BYTES).splitlines():
        mount, _, source = os.fsdecode(line).partition(" - ")
        if mount.split()[2] == number:
            return source.split()[0].partition(".")[0]
    return ""


def _age_s(path: Path) -> float:
    """Returns for how long, by the file system's clock, nothing was written to a path, s."""
    with tempfile.TemporaryFile(dir=path.parent) as now:
        newest = max(item.lstat().st_mtime for item in (path, *path.rglob("*")))
        return os.fstat(now.fileno()).st_mtime - newest


@contextmanager
def removed_on_failure(folder: Path) -> Iterator[None]:
    """Removes a folder that the block makes, and those made above it, when the block fails."""
    new_folders = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:
        if folder in new_folders:
            shutil.rmtree(folder, ignore_errors=True)
        for path in new_folders[1:]:
            with suppress(OSError):  # others put something into it meanwhile
                path.rmdir()
        raise


@contextmanager
def _in_place_of(path: Path) -> Iterator[None]:
    """Makes the folders above a path; when the block fails, those go again.

    What the system says of the temporary name is then said of the path, which the user knows.
    """
    new_folders = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for folder in new_folders:  # the innermost first
            with suppress(OSError):  # others put something into it meanwhile
                folder.rmdir()
        if isinstance(error, OSError) and error.filename:
            temporary = rf"^(.*/)?\.{re.escape(path.name)}\.\w+\.tmp"
            error.filename = re.sub(temporary, lambda _: str(path), str(error.filename))
        raise


def _temporary_file(path: Path) -> tuple[BinaryIO, str]:
    """Makes a file next to `path`, locked; the lock ends when it is closed."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        if _lock(handle) is not False and Path(name).exists():
            return os.fdopen(handle, "wb"), name
        os.close(handle)  # taken for a leftover before it was locked, and removed


def _temporary_directory(path: Path) -> tuple[Path, int]:
    """Makes a directory next to `path`, and a handle that locks it until it is closed."""
    while True:
        name = tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with suppress(FileNotFoundError):  # taken for a leftover before it was locked, and removed
            handle = os.open(name, os.O_RDONLY)
            if _lock(handle) is not False and Path(name).exists():
                return Path(name), handle
            os.close(handle)


def _lock(handle: int) -> bool | None:
    """Takes the lock of an open file; False where another process has it, None without locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of the file system: its leftovers stay
        return None
    return True


def _leftovers(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if is_temporary(path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _target(leftover: Path) -> Path:
    match = _TEMPORARY.fullmatch(leftover.name)
    assert match is not None
    return leftover.with_name(match["name"])


def _recover(leftovers: list[Path]) -> None:
    for leftover in leftovers:
        if leftover.suffix != ".old":
            remove_abandoned(leftover)
            continue
        with suppress(OSError), locked(leftover) as is_free:  # else another process was faster
            if is_free and os.path.lexists(_target(leftover)):
                _remove(leftover)
            elif is_free:
                leftover.rename(_target(leftover))


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _exchange(one: Path, other: Path) -> None:
    """Lets two directories trade places in one step."""
    sys.audit("ocr_lib.atomic.exchange", str(one), str(other))
    paths = os.fsencode(one), os.fsencode(other)
    if _libc.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))


def _replace_in_two_steps(work: Path, path: Path) -> None:
    """Moves `path` aside and `work` there; a kill between the two is for `recover` to undo."""
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    with locked(path):  # so that no other process takes it for a leftover
        path.rename(old)
        try:
            work.rename(path)
        except OSError:
            with suppress(OSError):  # `path` is there again: this failure is the one to tell
                old.rename(path)
            raise
        _remove(old)


def _sync_tree(folder: Path) -> None:
    """Flushes the files and directories below a folder, and itself, to the disk."""
    paths = [folder, *folder.rglob("*")]
    if len(paths) > SYNC_EACH:
        _sync_file_system(folder)
        return
    for path in paths:
        if not path.is_symlink() and (path.is_file() or path.is_dir()):
            _sync(path)


def _sync_file_system(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        if _libc.syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
