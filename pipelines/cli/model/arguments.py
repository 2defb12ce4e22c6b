"""Types of command-line arguments: they refuse what cannot be meant before a command does anything.

A file to read must be there, a file to write must have a folder that takes it, a number must be in
its range. The parser then names the argument, what was typed and what is wrong with it.
"""

import math
import os
import stat
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ocr_lib.errors import ConfigError
from ocr_lib.terminal import printable

T = TypeVar("T")
DAY_S = 86_400.0


def text(value: str) -> str:
    """Accepts any text but an empty one."""
    if not value.strip():
        raise ArgumentTypeError("is empty")
    if "\0" in value:
        raise ArgumentTypeError(f"{value!r} has a NUL character in it")
    return value


def separator(value: str) -> str:
    """Accepts what may stand between two columns of a line."""
    if not value or any(character in value for character in "\0\r\n"):
        raise ArgumentTypeError(f"{value!r} cannot separate path and label in a line")
    return value


def path_prefix(value: str) -> str:
    """Accepts the beginning of a path, or nothing; control characters would break its line."""
    if printable(value) != value:
        raise ArgumentTypeError(f"{value!r} has control characters in it")
    return value


def name_or_file(value: str) -> str:
    """Accepts the name of something that comes with the package, or a file."""
    _stat(Path(text(value)), value)
    return value


def input_path(value: str) -> Path:
    """Accepts a file or a folder that exists and may be read."""
    path = _existing(value)
    if not (path.is_file() or path.is_dir()):
        raise ArgumentTypeError(f"{value}: is neither a file nor a folder")
    return path


def _existing(value: str) -> Path:
    path = Path(text(value))
    if _stat(path, value) is None:
        raise ArgumentTypeError(f"{value}: no such file or folder")
    if not os.access(path, os.R_OK):
        raise ArgumentTypeError(f"{value}: may not be read by this user")
    return path


def input_file(value: str) -> Path:
    """Accepts a file that exists; a pipe or a device as well."""
    path = _existing(value)
    if path.is_dir():
        raise ArgumentTypeError(f"{value}: is a folder, not a file")
    return path


def input_folder(value: str) -> Path:
    """Accepts a folder that exists."""
    path = _existing(value)
    if not path.is_dir():
        raise ArgumentTypeError(f"{value}: is a file, not a folder")
    return path


def output_file(value: str) -> Path:
    """Accepts a file that can be written: a new one, or one to replace."""
    path = Path(text(value))
    mode = _stat(path, value)
    if mode is not None and stat.S_ISDIR(mode):
        raise ArgumentTypeError(f"{value}: is a folder, not a file")
    _check_parents(path, value)
    return path


def output_folder(value: str) -> Path:
    """Accepts a folder that can be written: a new one, or one that exists."""
    path = Path(text(value))
    mode = _stat(path, value)
    if mode is not None and not stat.S_ISDIR(mode):
        raise ArgumentTypeError(f"{value}: is a file, not a folder")
    _check_parents(path, value)
    return path


def replaced_folder(mark: str) -> Callable[[str], Path]:
    """Returns the type of a folder that is written as a whole, in place of an older one.

    Args:
        mark: a file that tells an older result from a folder of something else.
    """

    def parse(value: str) -> Path:
        path = output_folder(value)
        check_replaceable(path, mark)
        return path

    return checked(parse)


def check_replaceable(path: Path, mark: str) -> None:
    """Refuses to replace a folder that is not an older result.

    Raises:
        ConfigError: it holds files, and not the file that marks a result.
    """
    if path.is_dir() and any(path.iterdir()) and not (path / mark).is_file():
        cause = f"{path} holds files of something else ({mark} is missing), and would be replaced"
        raise ConfigError("the folder to write", cause, "Name a new one")


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Returns the type of a whole number within these bounds."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ArgumentTypeError(f"{value!r} is not a whole number from {low} to {high}")
        return number

    return parse


def real_number(low: float, high: float) -> Callable[[str], float]:
    """Returns the type of a number within these bounds."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise ArgumentTypeError(f"{value!r} is not a number from {low:g} to {high:g}")
        return number

    return parse


def checked(check: Callable[[str], T]) -> Callable[[str], T]:
    """Returns the type of what a function accepts that raises `ConfigError` for the rest."""

    def parse(value: str) -> T:
        try:
            return check(value)
        except ConfigError as error:
            raise ArgumentTypeError(f"{error.cause}. {error.fix}") from None

    return parse


count = whole_number(1, 10**9)  # of samples, characters, versions
workers = whole_number(1, 1024)  # processes or threads
seed = whole_number(0, 2**63 - 1)
fraction = real_number(0.0, 1.0)
seconds = real_number(0.001, 365 * DAY_S)
port = whole_number(0, 65_535)


def _stat(path: Path, value: str) -> int | None:
    """Returns the mode of a path, or None where there is nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise ArgumentTypeError(f"{value}: {_nearest(path)} is a file, not a folder") from None
    except (OSError, ValueError) as error:  # too long, a loop of links, no permission
        raise ArgumentTypeError(f"{value}: {getattr(error, 'strerror', error)}") from None


def _check_parents(path: Path, value: str) -> None:
    parent = _nearest(path.absolute().parent)
    if not parent.is_dir():
        raise ArgumentTypeError(f"{value}: {parent} is a file, not a folder")
    try:
        tempfile.TemporaryFile(dir=path if path.is_dir() else parent).close()
    except OSError as error:  # rights, a file system that is read-only, full or made by the kernel
        cause = f"nothing can be written to {parent} ({error.strerror})"
        raise ArgumentTypeError(f"{value}: {cause}") from None


def _nearest(path: Path) -> Path:
    """Returns a path, or the nearest folder above it that exists."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path
