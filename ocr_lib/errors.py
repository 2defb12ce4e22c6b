"""Every error this project raises on purpose, and the exit code each one means.

A `UserError` is something the user can put right: its message names the place (`file:line` or a
configuration key), the cause and the next step, and is printed without a traceback.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocr_lib.terminal import printable

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# Failures of the machine, not defects: no room, too large, read-only, a bad disk, too many files.
MACHINE_FAILURES = (*NO_ROOM, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)


class OcrError(Exception):
    """Base of all errors of the project; a command that meets one exits with `exit_code`."""

    exit_code = 1


class UserError(OcrError):
    """Bad input. The message reads `<where>: <cause>. <next step>`, on one line.

    Names and paths stand in it as they are: nothing is capitalised here.

    Args:
        where: the file and line, the configuration key, or the argument at fault.
        cause: what is wrong with it, without a final full stop.
        fix: what to do next, a sentence without its full stop.
    """

    exit_code = 2

    def __init__(self, where: str, cause: str, fix: str) -> None:
        self.where = where
        self.cause = cause
        self.fix = fix
        super().__init__(printable(f"{where}: {cause}. {fix}."))

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, str, str]]:
        """Lets the error travel from a worker process with its three parts."""
        return type(self), (self.where, self.cause, self.fix)


class ConfigError(UserError, ValueError):
    """A configuration key or value is not accepted."""


class DictionaryError(UserError):
    """A character dictionary cannot be read or does not fit."""


class LabelError(UserError):
    """A label file is malformed, or too much of it is."""


class ImageError(UserError):
    """An image is missing, too large or cannot be decoded."""


class ImageFormatError(ImageError):
    """An image is of a format that is not accepted: its size is not known before decoding."""


class SingleColourError(ImageError):
    """All pixels of an image are equal: there is nothing to read on it."""


class LmdbError(UserError):
    """An LMDB data set is incomplete, damaged or not one."""


class DataError(UserError):
    """A data set as a whole cannot be used: empty, or too many bad samples."""


class CheckpointError(UserError):
    """A checkpoint is missing, incomplete, or does not fit the network."""


class ExportError(OcrError):
    """An exported model does not compute what the trained one computes."""


class ServiceError(OcrError):
    """A remote system (object store, Triton, cluster) refused or did not answer in time."""


class ImportModelError(UserError):
    """A foreign model cannot be read, or is none of this project's networks."""


def describe_system(error: OSError) -> str:
    """Says which file a failure of the system is about, and what to do where that is known."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in NO_ROOM:
        return printable(f"{place}the disk is full. Free some room, then run it again.")
    return printable(f"{place}{error.strerror or error}.")


@contextmanager
def naming(folder: Path, name: str) -> Iterator[None]:
    """Lets the project's errors say where something came from, not where it is for the moment.

    Args:
        folder: a temporary folder.
        name: what users know its content by.
    """

    def renamed(text: object) -> object:
        return text.replace(str(folder), name) if isinstance(text, str) else text

    try:
        yield
    except OcrError as error:
        error.args = tuple(map(renamed, error.args))
        if isinstance(error, UserError):
            error.where, error.cause, error.fix = (
                text.replace(str(folder), name) for text in (error.where, error.cause, error.fix)
            )
        raise
