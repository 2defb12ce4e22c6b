"""Which images exist: a folder is listed once, not asked about for every label."""

import errno
import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Literal

from ocr_lib.data.base import read_file
from ocr_lib.data.labels.lines import leaves_folder
from ocr_lib.data.labels.report import MISSING_IMAGE, OTHER_CASE, OUTSIDE_LINK

MAX_HINTED = 100_000  # images of a folder that are compared without case


@dataclass(frozen=True, slots=True)
class ImageMatch:
    """What there is for an image that is not there by its very name.

    Attributes:
        name: of the image that is meant; None where there is none.
        reason: why the line is dropped, or what the report notes of it.
    """

    name: str | None
    reason: str


class ImageNames:
    """The images below a folder, listed folder by folder as labels name them.

    Only regular files count, and links to such files below the folder. Memory: about 110 bytes an
    image in the folders that were listed.

    Args:
        root: what image paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._names: set[str] = set()
        self._listed: dict[str, list[str]] = {}  # folder → its names
        self._refused: dict[str, str] = {}  # image, or folder with a slash → reason
        self._folded: dict[str, frozenset[str]] = {}  # folder → its names without case

    def missing(self, names: Sequence[str]) -> list[int]:
        """Returns the indexes of the names that are no image, in ascending order."""
        if self._names.issuperset(names):
            return []
        for name in names:
            if name not in self._names:
                self._list(name.rpartition("/")[0])
        return [i for i, name in enumerate(names) if name not in self._names]

    def match(self, name: str) -> ImageMatch:
        """Returns what there is in place of an image that is missing."""
        slashed = name.replace("\\", "/")
        for form in unicode_forms(slashed):
            if form != name and not self.missing([form]):
                if slashed != name:
                    return ImageMatch(form, "backslash in the image path, replaced by a slash")
                return ImageMatch(
                    form, "image name in another Unicode form, replaced by the file's"
                )
        folder = slashed.rpartition("/")[0]
        if self._fold(slashed) in self._folded_names(folder):
            return ImageMatch(None, OTHER_CASE)
        reason = self._refused.get(slashed) or self._refused.get(f"{folder}/")
        return ImageMatch(None, reason or MISSING_IMAGE)

    def _list(self, folder: str) -> None:
        if folder in self._listed or leaves_folder(folder):
            return
        names = self._listed[folder] = []
        prefix = f"{folder}/" if folder else ""
        try:
            if not is_below(os.path.realpath(self._root / folder), self._real_root):
                self._refused[f"{folder}/"] = OUTSIDE_LINK
                return
            with os.scandir(self._root / folder) as entries:
                for entry in entries:
                    if reason := self._reason(entry):
                        self._refused[prefix + entry.name] = reason
                    elif reason is None:
                        name = prefix + entry.name
                        names.append(name)
                        self._names.add(name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._refused[f"{folder}/"] = f"image folder cannot be read ({error.strerror})"
        except ValueError:
            self._refused[f"{folder}/"] = "NUL in the image path"

    def _reason(self, entry: os.DirEntry[str]) -> str | None:
        """Returns why an entry is not taken, empty for a folder; None for an image."""
        if entry.is_symlink():
            path = os.path.realpath(entry.path)
            if not is_below(path, self._real_root):
                return OUTSIDE_LINK
            return None if os.path.isfile(path) else ""  # noqa: PTH113 - realpath gives a text
        if entry.is_file(follow_symlinks=False):
            return None
        return "" if entry.is_dir(follow_symlinks=False) else "image is no regular file"

    def _folded_names(self, folder: str) -> frozenset[str]:
        """Returns the names of a folder without case; none where they are too many for a hint."""
        if folder not in self._folded:
            names = self._listed.get(folder, [])
            folded = map(self._fold, names if len(names) <= MAX_HINTED else ())
            self._folded[folder] = frozenset(folded)
        return self._folded[folder]

    @staticmethod
    def _fold(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()


class UncheckedNames:
    """Takes every image for granted that has a sane name."""

    def missing(self, names: Sequence[str]) -> list[int]:
        """Returns the indexes of the names that leave the folder or end in a space."""
        return [
            i
            for i, name in enumerate(names)
            if name.endswith(" ") or ((".." in name or name[0] == "/") and leaves_folder(name))
        ]

    def match(self, name: str) -> ImageMatch:
        """Returns that there is nothing in its place."""
        del name
        return ImageMatch(None, MISSING_IMAGE)


def read_image(path: str, root: str | None = None) -> bytes:
    """Returns an image's bytes, also where its name has another Unicode form than the path.

    Args:
        path: of the file.
        root: a folder, resolved, that a link must not leave; None for any file.

    Raises:
        OSError: it cannot be read, or is outside the root.
        ValueError: there is a NUL in the path.
    """
    for form in unicode_forms(path):
        with suppress(FileNotFoundError):
            if root is not None and not is_below(_real_path(form), root):
                raise OSError(errno.EXDEV, OUTSIDE_LINK, form)
            return read_file(form)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _real_path(path: str) -> str:
    """Returns a file's path without links, at a fifth of the cost of `os.path.realpath`."""
    if os.path.islink(path):  # noqa: PTH114 - a text
        return os.path.realpath(path)
    folder, _, base = path.rpartition("/")
    return f"{_real_folder(folder)}/{base}"


_real_folder = lru_cache(maxsize=4096)(os.path.realpath)


def is_below(path: str, root: str) -> bool:
    """Whether a path is a folder or below it, both without links."""
    return path == root or path.startswith(f"{root.rstrip('/')}/")


def unicode_forms(path: str) -> Iterator[str]:
    """Yields a path with folders and file composed or decomposed, as Macs write them.

    The path itself comes first; one in ASCII has no other form.
    """
    yield path
    if path.isascii():
        return
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    folder, slash, base = path.rpartition("/")
    for folder_form, base_form in product(forms, repeat=2):
        name = unicodedata.normalize(folder_form, folder) + slash
        name += unicodedata.normalize(base_form, base)
        if name != path:
            yield name
