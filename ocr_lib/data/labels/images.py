"""Which images exist: a folder is listed once, not asked about for every label."""

import os
from collections.abc import Sequence
from pathlib import Path

from ocr_lib.data.labels.lines import leaves_folder


class ImageNames:
    """The images below a folder, listed folder by folder as labels name them.

    Memory: about 100 bytes an image in the folders that were listed.

    Args:
        root: what image paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: set[str] = set()
        self._listed: set[str] = set()

    def missing(self, names: Sequence[str]) -> list[int]:
        """Returns the indexes of the names that are no file, in ascending order."""
        if self._names.issuperset(names):
            return []
        for name in names:
            if name not in self._names:
                self._list(name.rpartition("/")[0])
        return [i for i, name in enumerate(names) if name not in self._names]

    def _list(self, folder: str) -> None:
        if folder in self._listed or leaves_folder(folder):
            return
        self._listed.add(folder)
        prefix = f"{folder}/" if folder else ""
        try:
            with os.scandir(self._root / folder) as entries:
                self._names.update(prefix + e.name for e in entries if not e.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return


class UncheckedNames:
    """Takes every image for granted that has a sane name."""

    def missing(self, names: Sequence[str]) -> list[int]:
        """Returns the indexes of the names that leave the folder or end in a space."""
        return [
            i
            for i, name in enumerate(names)
            if name.endswith(" ") or ((".." in name or name[0] == "/") and leaves_folder(name))
        ]
