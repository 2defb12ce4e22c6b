"""The dictionaries that have a name: two by rule, PaddleOCR's others as data of its wheel.

The wheel `paddleocr` is a locked data dependency: its files are located through its metadata and
read; the package itself is never imported, so none of its own dependencies is needed.

Source: PaddleOCR's `ppocr/utils/*_dict.txt` and `ppocr/utils/dict/*.txt`.
"""

import importlib.metadata
import string
from functools import cache
from pathlib import Path

from ocr_lib.errors import DictionaryError
from ocr_lib.nearest import nearest

IC15 = string.digits + string.ascii_lowercase
# PaddleOCR's order: "0" to "~" as in ASCII, then "!" to "/", then the space.
EN = "".join(map(chr, [*range(ord("0"), ord("~") + 1), *range(ord("!"), ord("/") + 1)])) + " "
SHOWN_CHARACTERS = 200  # of a name, in errors
BY_RULE = {"en": EN, "ic15": IC15}

IN_ARCHIVE_ALONE = ("ppocrv5", "ppocrv6")  # dictionaries that no wheel of PaddleOCR has
ARCHIVE_VERSION = "3.7.0"

_ROOT = "ppocr/utils/"
# Vocabularies of table and formula recognition, not sets of characters.
_NOT_CHARACTERS = ("table_", "latex_", "README")


def known_names() -> dict[str, str]:
    """Returns the short name → the path PaddleOCR's configurations use, sorted by name."""
    paths = {_short(name): f"{_ROOT}{name}_dict.txt" for name in BY_RULE}
    for path in sorted(_wheel_files(), key=len, reverse=True):  # ppocr/utils/ wins over …/dict/
        paths[_short(path)] = path
    return dict(sorted(paths.items()))


def known_content(path: str, where: str = "character_dict_path") -> str | Path:
    """Resolves a short name, or a path as PaddleOCR writes it, that is no file on this disk.

    Args:
        path: `en`, `french`, `ppocr_keys_v1`, `./ppocr/utils/dict/french_dict.txt`, ….
        where: the key or argument that names it, for errors.

    Returns:
        The characters themselves where a rule gives them, else the file in the wheel.

    Raises:
        DictionaryError: nothing is known by that name; the message offers the nearest name.
    """
    names = known_names()
    inside = path[path.index(_ROOT) :] if _ROOT in path else names.get(_short(path), "")
    for name, characters in BY_RULE.items():
        if inside == f"{_ROOT}{name}_dict.txt":
            return characters
    files = _wheel_files()
    if inside not in files:
        raise _unknown(path, list(names), where)
    return files[inside]


def _unknown(path: str, names: list[str], where: str) -> DictionaryError:
    if _short(path).startswith(IN_ARCHIVE_ALONE):
        fix = (
            f"It is in the source archive of paddleocr {ARCHIVE_VERSION} alone: run `pip download "
            f"--no-deps --no-binary paddleocr paddleocr=={ARCHIVE_VERSION}`, unpack it and name "
            "the file"
        )
        return DictionaryError(f"{where} {path[:SHOWN_CHARACTERS]}", "there is no such file", fix)
    fix = nearest(_short(path), names, "`ocr dictionary list` shows the known names")
    fix += "; a file of your own has one character a line"
    if not _wheel_files():
        fix += "; install the wheel paddleocr for PaddleOCR's dictionaries"
    shown = path if len(path) <= SHOWN_CHARACTERS else f"{path[:SHOWN_CHARACTERS]}…"
    return DictionaryError(
        f"{where} {shown}", "there is no such file, and no dictionary is known by that name", fix
    )


def _short(path: str) -> str:
    return Path(path).name.removesuffix(".txt").removesuffix("_dict")


@cache
def _wheel_files() -> dict[str, Path]:
    """The wheel's dictionary files, by the path a PaddleOCR checkout has them at."""
    try:
        wheel = importlib.metadata.distribution("paddleocr")
    except importlib.metadata.PackageNotFoundError:
        return {}
    root = Path(str(wheel.locate_file("paddleocr")))
    files = [*root.glob(f"{_ROOT}*.txt"), *root.glob(f"{_ROOT}dict/*.txt")]
    return {
        path.relative_to(root).as_posix(): path
        for path in files
        if not path.name.startswith(_NOT_CHARACTERS)
    }
