"""Files and directories that appear whole or not at all.

A file is written beside its target, flushed to disk, then renamed over it; the directory is
flushed last, so that the rename itself survives a power cut.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Opens a temporary file that replaces `path` when the block ends without an error."""
    path = Path(path)
    with _in_place_of(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())  # mkstemp makes 0600, which others cannot read
            os.replace(name, path)
            _sync_directory(path.parent)
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

    An existing `path` is replaced; between the two renames it is absent for an instant.
    """
    path = Path(path)
    with _in_place_of(path):
        work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        try:
            yield work
            os.chmod(work, 0o777 & ~_umask())
            old = work.with_suffix(".old")
            if path.exists():
                os.replace(path, old)
            os.replace(work, path)
            _sync_directory(path.parent)
            shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


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


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
