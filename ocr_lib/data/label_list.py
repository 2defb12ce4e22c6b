"""Reading PaddleOCR label lists, `path<TAB>label`, line by line.

Source: PaddleOCR `ppocr/data/simple_dataset.py` (SimpleDataSet): first and second column, further
ones are not read; a JSON list in the first means "pick one at random each time". Where it differs:
a carriage return at the line's end and a byte-order mark belong to no label here, and a line of
another form is refused by name instead of being drawn again until Python's stack ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.data.labels.find import bounded_lines, describe
from ocr_lib.data.labels.rec_list import image_paths
from ocr_lib.errors import ConfigError, LabelError
from ocr_lib.regular_file import open_regular


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One line of a label list.

    Args:
        number: in the file, from 1.
        paths: of the image, relative to the data set; several mean "pick one each time".
        label: the text, possibly empty.
    """

    number: int
    paths: tuple[str, ...]
    label: str


def read_label_list(path: str | Path, delimiter: str = "\t") -> Iterator[LabelLine]:
    """Yields the lines of a label list; blank ones are skipped.

    Args:
        path: the list, UTF-8.
        delimiter: between the columns.

    Raises:
        ConfigError: the delimiter is empty.
        LabelError: with file and line: no such file, not UTF-8, no delimiter (the message names
            the form that the line has instead), a detection list, or more than a megabyte.
    """
    if not delimiter:
        raise ConfigError("delimiter", "is empty", "Give what separates path and label")
    try:
        file = open_regular(path)
    except (FileNotFoundError, IsADirectoryError):
        raise LabelError(str(path), "no such label list", "Give the path of labels.txt") from None
    except OSError as error:
        cause = f"cannot be read ({error.strerror})"
        raise LabelError(str(path), cause, "Give the path of labels.txt") from None
    with file:
        for number, data in bounded_lines(file, Path(path)):
            line = _decode(data, f"{path}:{number}").rstrip("\r\n")
            if number == 1:
                line = line.removeprefix("\ufeff")
            if line.strip():
                yield _line(line, number, delimiter, f"{path}:{number}")


def _decode(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LabelError(
            where, f"not UTF-8 from byte {error.start + 1} on", "Save the file as UTF-8"
        ) from None


def _line(line: str, number: int, delimiter: str, where: str) -> LabelLine:
    columns = line.split(delimiter)
    if len(columns) > 1 and not _is_detection(columns[1]):
        return LabelLine(number, tuple(image_paths(columns[0])), columns[1])
    cause, fix = describe(line) or (
        f"no {delimiter!r} between image path and label",
        "Separate them by it, or name the list's delimiter",
    )
    raise LabelError(where, cause, fix)


def _is_detection(label: str) -> bool:
    return label.startswith("[{") and '"points"' in label
