"""Types of command-line arguments: they refuse what cannot be meant before a command does anything.

A file to read must be there, a file to write must have a folder that takes it, a number must be in
its range. The parser then names the argument, what was typed and what is wrong with it.
"""

import math
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from ocr_lib.errors import ConfigError
from ocr_lib.terminal import printable
from pipelines.cli.command import F, option

T = TypeVar("T")
DAY_S = 86_400.0


class Checked(click.ParamType[T]):
    """What a function accepts that raises `BadParameter` or `ConfigError` for the rest.

    Args:
        name: what help shows as the value, in capitals.
        check: returns the value of what was typed.
        completes: what a shell completes: "file", "dir" or nothing.
    """

    def __init__(self, name: str, check: Callable[[str], T], completes: str = "") -> None:
        self.name = name
        self._check = check
        self._completes = completes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Returns the value; defaults that are no text are values already."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return self._check(value)
        except ConfigError as error:
            raise click.BadParameter(f"{error.cause}. {error.fix}", ctx, param) from None

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Leaves files and folders to the shell."""
        return [CompletionItem(incomplete, type=self._completes)] if self._completes else []


def kind(name: str, completes: str = "") -> Callable[[Callable[[str], T]], Checked[T]]:
    """Makes an argument's type of a function; see `Checked`."""
    return lambda check: Checked(name, check, completes)


@kind("text")
def text(value: str) -> str:
    """Accepts any text but an empty one."""
    if not value.strip():
        raise click.BadParameter("is empty")
    if "\0" in value:
        raise click.BadParameter(f"{value!r} has a NUL character in it")
    return value


@kind("text")
def separator(value: str) -> str:
    """Accepts what may stand between two columns of a line."""
    if not value or any(character in value for character in "\0\r\n"):
        raise click.BadParameter(f"{value!r} cannot separate path and label in a line")
    return value


@kind("prefix")
def path_prefix(value: str) -> str:
    """Accepts the beginning of a path, or nothing; control characters would break its line."""
    if printable(value) != value:
        raise click.BadParameter(f"{value!r} has control characters in it")
    return value


@kind("name|file", "file")
def name_or_file(value: str) -> str:
    """Accepts the name of something that comes with the package, or a file."""
    _stat(Path(text(value)), value)
    return value


@kind("path", "file")
def input_path(value: str) -> Path:
    """Accepts a file or a folder that exists and may be read."""
    path = _existing(value)
    if not (path.is_file() or path.is_dir()):
        raise click.BadParameter(f"{value}: is neither a file nor a folder")
    return path


def _existing(value: str) -> Path:
    path = Path(text(value))
    if _stat(path, value) is None:
        raise click.BadParameter(f"{value}: no such file or folder")
    if not os.access(path, os.R_OK):
        raise click.BadParameter(f"{value}: may not be read by this user")
    return path


@kind("file", "file")
def input_file(value: str) -> Path:
    """Accepts a file that exists; a pipe or a device as well."""
    path = _existing(value)
    if path.is_dir():
        raise click.BadParameter(f"{value}: is a folder, not a file")
    return path


@kind("folder", "dir")
def input_folder(value: str) -> Path:
    """Accepts a folder that exists."""
    path = _existing(value)
    if not path.is_dir():
        raise click.BadParameter(f"{value}: is a file, not a folder")
    return path


@kind("file", "file")
def output_file(value: str) -> Path:
    """Accepts a file that can be written: a new one, or one to replace."""
    path = Path(text(value))
    mode = _stat(path, value)
    if mode is not None and stat.S_ISDIR(mode):
        raise click.BadParameter(f"{value}: is a folder, not a file")
    _check_parents(path, value)
    return path


@kind("folder", "dir")
def output_folder(value: str) -> Path:
    """Accepts a folder that can be written: a new one, or one that exists."""
    path = Path(text(value))
    mode = _stat(path, value)
    if mode is not None and not stat.S_ISDIR(mode):
        raise click.BadParameter(f"{value}: is a file, not a folder")
    _check_parents(path, value)
    return path


def replaced_folder(mark: str) -> Checked[Path]:
    """Returns the type of a folder that is written as a whole, in place of an older one.

    Args:
        mark: a file that tells an older result from a folder of something else.
    """

    def parse(value: str) -> Path:
        path = output_folder(value)
        check_replaceable(path, mark)
        return path

    return Checked("folder", parse, "dir")


def check_replaceable(path: Path, mark: str) -> None:
    """Refuses to replace a folder that is not an older result.

    Raises:
        ConfigError: it holds files, and not the file that marks a result.
    """
    if path.is_dir() and any(path.iterdir()) and not (path / mark).is_file():
        cause = f"{path} holds files of something else ({mark} is missing), and would be replaced"
        raise ConfigError("the folder to write", cause, "Name a new one")


def whole_number(low: int, high: int) -> Checked[int]:
    """Returns the type of a whole number within these bounds."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise click.BadParameter(f"{value!r} is not a whole number from {low} to {high}")
        return number

    return Checked("n", parse)


def real_number(low: float, high: float) -> Checked[float]:
    """Returns the type of a number within these bounds."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise click.BadParameter(f"{value!r} is not a number from {low:g} to {high:g}")
        return number

    return Checked("x", parse)


@kind("namespace")
def namespace(value: str) -> str:
    """Accepts the name of a Kubernetes namespace."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise click.BadParameter(
            f"{value!r} is no name of a namespace: up to 63 lower-case letters, digits and -"
        )
    return value


count = whole_number(1, 10**9)  # of samples, characters, versions
workers = whole_number(1, 1024)  # processes or threads
seed = whole_number(0, 2**63 - 1)
fraction = real_number(0.0, 1.0)
seconds = real_number(0.001, 365 * DAY_S)
port = whole_number(0, 65_535)


def max_bad_fraction(meaning: str) -> Callable[[F], F]:
    """Adds the option that says how much of the data may be bad."""
    names = "--max-bad-fraction", "--max-bad-share"  # the second is its name in 0.1
    return option(*names, "max_bad_fraction", type=fraction, default=0.01, help=meaning)


def images_argument(meaning: str = "image files, or folders of them") -> Callable[[F], F]:
    """Adds the images that a command reads."""
    return click.argument("images", type=input_path, nargs=-1, required=True, help=meaning)


def _stat(path: Path, value: str) -> int | None:
    """Returns the mode of a path, or None where there is nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise click.BadParameter(f"{value}: {_nearest(path)} is a file, not a folder") from None
    except (OSError, ValueError) as error:  # too long, a loop of links, no permission
        raise click.BadParameter(f"{value}: {getattr(error, 'strerror', error)}") from None


def _check_parents(path: Path, value: str) -> None:
    parent = _nearest(path.absolute().parent)
    if not parent.is_dir():
        raise click.BadParameter(f"{value}: {parent} is a file, not a folder")
    try:
        tempfile.TemporaryFile(dir=path if path.is_dir() else parent).close()
    except OSError as error:  # rights, a file system that is read-only, full or made by the kernel
        cause = f"nothing can be written to {parent} ({error.strerror})"
        raise click.BadParameter(f"{value}: {cause}") from None


def _nearest(path: Path) -> Path:
    """Returns a path, or the nearest folder above it that exists."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path
