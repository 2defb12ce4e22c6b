"""Finding the labels of a data set and telling their form."""

import codecs
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from ocr_lib.errors import LabelError
from ocr_lib.regular_file import open_regular

Mode = Literal["auto", "rec", "det", "list"]
Form = Literal["rec", "list", "det", "det_list", "space", "separator"]

MAX_LINE_BYTES = 1 << 20
SAMPLE_LINES = 100
SAMPLE_BYTES = 1 << 16  # of a line: enough to tell its form
LABEL_FILES = ("gt.txt", "labels.txt")
_IMAGE = r"[^,\t]*\.(?:jpe?g|png|bmp|tiff?|webp|gif)"

# The first that matches the beginning of a line tells its form.
_FORMS: dict[Form, re.Pattern[str]] = {
    "det": re.compile(r"\s*-?\d+(?:\s*,\s*-?\d+){7}\s*,"),
    "rec": re.compile(rf'[^,\t\[][^,\t]*,\s*"|{_IMAGE}\s*,', re.IGNORECASE),
    "det_list": re.compile(r'[^\t]+\t\s*\[.*"points"'),
    "list": re.compile(r"[^\t]+\t"),
    "space": re.compile(rf"{_IMAGE} +\S", re.IGNORECASE),
    "separator": re.compile(rf"{_IMAGE}\s*[;|:]", re.IGNORECASE),
}
_WORDS: dict[Form, str] = {
    "rec": 'ICDAR recognition labels, name, "text"',
    "list": "a PaddleOCR recognition list, path<TAB>label",
    "det": "ICDAR detection labels, x1,y1,…,x4,y4,text",
    "det_list": "a detection list, polygons in JSON",
    "space": "lines with a space where a tab belongs between path and label",
    "separator": "lines with a wrong separator between path and label",
}
_FIXES: dict[Form, str] = {
    "det": "Give the folder that holds the gt_*.txt files, with mode det",
    "det_list": "Recognition wants one text line an image: crop the polygons first",
    "space": "Separate path and label by one tab",
    "separator": "Separate path and label by one tab",
}


@dataclass(frozen=True)
class LabelSource:
    """Labels that were found.

    Args:
        mode: `rec`, `list` or `det`.
        path: the label file; in det mode the folder of the label files.
        form: what it was recognised as, in words.
    """

    mode: Literal["rec", "det", "list"]
    path: Path
    form: str


def find_labels(source: Path, mode: Mode = "auto") -> LabelSource:
    """Finds the label file of a folder (or takes the file given) and tells its form.

    Args:
        source: a label file; a folder with `gt.txt`, `labels.txt` or one text file; or a folder
            of `gt_<image>.txt` with polygons.
        mode: the form that is expected; `auto` takes what is there.

    Raises:
        LabelError: there is none, or it has another form than `mode`, or none that is known.
    """
    if source.is_dir():
        file = _label_file(source, mode)
        if file is None:
            return LabelSource("det", source, f"{_WORDS['det']}, in {source.name}/gt_*.txt")
    elif source.is_file():
        file = source
    elif source.exists():
        raise LabelError(str(source), "is neither a file nor a folder", "Give a text file")
    else:
        raise LabelError(str(source), "no such file or folder", "Give the data set's folder")
    return _label_source(file, mode)


def bounded_lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields number (from 1) and content of each line of a label file.

    Raises:
        LabelError: a line has more than a megabyte.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            raise line_too_long(path, number)
        yield number, line


def line_too_long(path: Path, number: int) -> LabelError:
    """Returns the error for a line that no label has."""
    cause = "a line of more than a megabyte"
    return LabelError(f"{path}:{number}", cause, "Give a text file of labels, one a line")


def describe(line: str) -> tuple[str, str] | None:
    """Returns what a line that is no `path<TAB>label` looks like, and what to do about it."""
    form = _form(line)
    if form is None or form == "list":
        return None
    return _WORDS[form], _FIXES.get(form, "Convert it by `ocr gen-label` first")


def _label_file(folder: Path, mode: Mode) -> Path | None:
    """Returns the label file of a folder, None where it holds detection labels."""
    for name in LABEL_FILES if mode != "det" else ():
        if (folder / name).exists():
            return _usable(folder / name, folder)
    texts = sorted(path for path in folder.glob("*.txt") if not unusable(path, folder))
    polygons = [text for text in texts if text.name.startswith("gt_")]
    if polygons and (mode == "det" or _holds_polygons(polygons)):
        return None
    if len(texts) == 1 and mode != "det":
        return texts[0]
    missing = "no gt_<image>.txt in it" if mode == "det" else "no gt.txt in it"
    some = f", but {', '.join(text.name for text in texts[:5])}" if texts else ""
    raise LabelError(str(folder), f"{missing}{some}", "Name the label file itself, or its folder")


def unusable(file: Path, folder: Path, max_bytes: int | None = None) -> str:
    """Returns why a label file of a folder from elsewhere is not read; empty where it is.

    Args:
        file: in the folder.
        folder: which a link must not leave.
        max_bytes: of the file; None for any number.
    """
    try:
        facts = file.stat()
    except OSError as error:
        return f"label file cannot be read ({error.strerror})"
    if not stat.S_ISREG(facts.st_mode):
        return "label file is no regular file"
    if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
        return "label file behind a link that leaves the folder"
    if max_bytes is not None and facts.st_size > max_bytes:
        return f"label file of more than {max_bytes >> 20} MiB"
    return ""


def _usable(file: Path, folder: Path) -> Path:
    if reason := unusable(file, folder):
        raise LabelError(str(file), reason, "Give a text file in the folder itself")
    return file


def _holds_polygons(files: list[Path]) -> bool:
    """Whether the first label files that are not empty hold polygons."""
    return any(_most_common_form(file) == "det" for file in files[:SAMPLE_LINES])


def _label_source(file: Path, mode: Mode) -> LabelSource:
    form = _most_common_form(file)
    if form is None and mode in ("rec", "list"):  # names of no kind we know: take the user's word
        form = mode
    if form in ("rec", "list") and mode in ("auto", form):
        return LabelSource(form, file, f"{_WORDS[form]}, in {file.name}")
    description = _WORDS[form] if form else "lines of no known form"
    cause = description if mode == "auto" else f"{_WORDS[mode]} expected, but {description} found"
    raise LabelError(f"{file}:1", cause, _fix(form))


def _fix(form: Form | None) -> str:
    if form in _FIXES:
        return _FIXES[form]
    if form in ("rec", "list"):
        return f"Ask for mode {form}, or auto"
    return 'Write name, "text" or path<TAB>label, one image a line'


def _most_common_form(file: Path) -> Form | None:
    """Returns the form of most of the first lines; None where there are none, or of no form."""
    with open_regular(file) as lines:
        numbered = islice(bounded_lines(lines, file), SAMPLE_LINES)
        sample = [line[:SAMPLE_BYTES] for _, line in numbered]
    if sample and sample[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise LabelError(f"{file}:1", "the file is UTF-16", "Save it as UTF-8")
    texts = [line.decode("utf-8", "replace").strip("\ufeff\r\n") for line in sample]
    forms = Counter(_form(text) for text in texts if text.strip())
    return forms.most_common(1)[0][0] if forms else None


def _form(line: str) -> Form | None:
    return next((form for form, pattern in _FORMS.items() if pattern.match(line)), None)
