"""Names in archives: which paths may be unpacked, and which code page names of old tools are in.

A zip says of a name that it is UTF-8, or nothing: then Windows wrote it in the code page of its
language. A tar says nothing at all. Such names are unpacked byte by byte and renamed afterwards,
when all of them are known, and the label files, which say what images are called, are on disk.
"""

import errno
import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ocr_lib.errors import DataError

log = logging.getLogger(__name__)

MAX_DEPTH = 64  # folders of a path
MAX_SAMPLES = 1000  # names by which the code page is chosen
MAX_TEXTS = 4  # label files that are looked at
MAX_TEXT_BYTES = 4 << 20
MIN_HANGUL = 8  # that names have together before Hangul is told from Chinese of the same bytes
ENCODINGS = ("gb18030", "cp932", "cp949", "big5", "cp866", "cp437", "cp1252")
FALLBACK = "cp437"  # what a zip's names are in by its specification
# What a file system says of a name.
NAME_ERRORS = {
    errno.ENAMETOOLONG: "a name that is too long for the file system",
    errno.EEXIST: "a second member of this name",
    errno.ENOTDIR: "a folder of this path is a file as well",
    errno.EISDIR: "a folder has this name as well",
    errno.EINVAL: "a name that the file system does not take",
    errno.EILSEQ: "a name that the file system does not take",
}
_DRIVE = re.compile(r"[A-Za-z]:")
_MIXED = re.compile("[A-Za-z][\u0400-\u045f]|[\u0400-\u045f][A-Za-z]")
_SURROGATE = re.compile("[\udc80-\udcff]")


def member_path(name: str, is_folder: bool) -> PurePosixPath:
    r"""Returns the path of a member, relative to the folder that it is unpacked into.

    A backslash separates folders, as in archives of some Windows tools; in a name that is not UTF-8
    it may be half of a character, and stays.

    Raises:
        ValueError: it has no name, or would be outside that folder or too deep in it.
    """
    if not is_undecoded(name):
        name = name.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name):
        raise ValueError("a path that leaves the folder")
    if "\0" in name:
        raise ValueError("a NUL character in the name")
    if not is_folder and name.rpartition("/")[2] in ("", "."):
        raise ValueError("no file name")
    if len(path.parts) > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} folders in each other")
    return path


def is_undecoded(name: str) -> bool:
    """Whether a name has bytes that are not UTF-8."""
    return _SURROGATE.search(name) is not None


def decode_tree(
    folder: Path, encoding: str | None, archive: str, *, is_utf8_marked: bool = False
) -> None:
    """Renames all files and folders below a folder whose names are not UTF-8.

    Some bytes are names in UTF-8 as well by chance: where others are in a code page, those that are
    plausible in it are, too.

    Args:
        folder: to which an archive was unpacked.
        encoding: of the names; None finds out.
        archive: its name, for messages.
        is_utf8_marked: whether some names are marked as UTF-8; then all that are UTF-8 stay.

    Raises:
        DataError: names are not in this encoding, or two become one.
    """
    paths = [path for path in _paths(folder) if not path.isascii()]
    names = [os.fsencode(path) for path in paths if encoding or is_undecoded(path)]
    if not names:
        return
    is_guessed = encoding is None
    if encoding is None:
        encoding = guess_encoding(names[:MAX_SAMPLES], list(_texts(folder)))
    log.warning(
        "%s: %d names are not UTF-8, they are read as %s: %s",
        *(archive, len(names), encoding, names[0].decode(encoding, "replace")),
    )
    for path in paths:
        name = os.fsencode(path)
        fits = _is_plausible if is_guessed else _is_decodable
        is_other = not is_utf8_marked and fits(name, encoding)
        if is_undecoded(path) or is_other:
            _rename(folder, path, name, encoding, archive)


def guess_encoding(names: Sequence[bytes], texts: Sequence[bytes]) -> str:
    """Returns the code page of names: the one in which texts name most of them, or else by letters.

    Args:
        names: paths, not UTF-8.
        texts: contents of label files, in UTF-8.
    """
    bases = [name.replace(b"\\", b"/").rpartition(b"/")[2] for name in names]
    hits = {
        encoding: sum(_is_named(base, encoding, texts) for base in bases) for encoding in ENCODINGS
    }
    best = max(hits, key=lambda encoding: hits[encoding])
    if hits[best]:
        return best
    joined = b"\n".join(names)
    return next((e for e in ENCODINGS if _is_plausible(joined, e)), FALLBACK)


def _is_named(base: bytes, encoding: str, texts: Sequence[bytes]) -> bool:
    try:
        name = base.decode(encoding)
    except UnicodeDecodeError:
        return False
    forms = {unicodedata.normalize(form, name).encode() for form in ("NFC", "NFD")}
    return any(form in text for form in forms for text in texts)


def _is_decodable(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_plausible(names: bytes, encoding: str) -> bool:
    """Whether all letters are ones that people of this code page write often."""
    try:
        letters = [c for c in names.decode(encoding) if not c.isascii()]
        if encoding == "gb18030":  # the two levels of GB 2312, and not the part that is Hangul, too
            "".join(letters).encode("gb2312")
            return not _is_hangul(names)
        if encoding == "cp932":
            return any("\u3040" <= c <= "\u30ff" for c in letters) and all(
                c.encode("cp932")[0] < 0x98
                for c in letters  # kana, and the common kanji
            )
        if encoding == "cp949":
            return all(  # the syllables in use, KS X 1001
                "\uac00" <= c <= "\ud7a3" and min(c.encode("cp949")) >= 0xA1 for c in letters
            )
        if encoding == "big5":
            return all(c.encode("big5")[0] < 0xC7 for c in letters)
        if encoding == "cp866":
            words = names.decode(encoding)  # no word has letters of both alphabets
            return all("\u0400" <= c <= "\u045f" for c in letters) and not _MIXED.search(words)
        return all(unicodedata.category(c) in ("Ll", "Lu") for c in letters)
    except UnicodeError:
        return False


def _is_hangul(names: bytes) -> bool:
    try:
        letters = [c for c in names.decode("euc_kr") if not c.isascii()]
    except UnicodeDecodeError:
        return False
    return len(letters) >= MIN_HANGUL and all("\uac00" <= c <= "\ud7a3" for c in letters)


def _paths(folder: Path) -> Iterator[str]:
    """Yields the path of every file below a folder, relative to it."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            yield os.path.relpath(os.path.join(root, file), folder)  # noqa: PTH118 - undecoded


def _texts(folder: Path) -> Iterator[bytes]:
    """Yields the first bytes of the first text files."""
    paths = (path for path in _paths(folder) if path.endswith(".txt"))
    for _, path in zip(range(MAX_TEXTS), paths, strict=False):
        with (folder / path).open("rb") as file:
            yield file.read(MAX_TEXT_BYTES)


def _rename(folder: Path, old: str, name: bytes, encoding: str, archive: str) -> None:
    where = f"{archive}: {name!r}"
    fix = (
        "Name the code page of its names (option --names-encoding), or pack again with UTF-8 names"
    )
    try:
        path = folder / member_path(name.decode(encoding), is_folder=False)
        if path.exists():
            raise DataError(where, f"a second file of the name {path.name}", fix)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder / old, path)
    except (UnicodeDecodeError, LookupError):
        raise DataError(where, f"the name is not {encoding}", fix) from None
    except ValueError as error:
        raise DataError(where, str(error), fix) from None
    except OSError as error:
        if error.errno not in NAME_ERRORS:
            raise
        raise DataError(where, NAME_ERRORS[error.errno], fix) from None
    for parent in (folder / old).parents:
        if parent == folder or any(parent.iterdir()):
            break
        parent.rmdir()
