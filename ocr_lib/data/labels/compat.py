"""The bytes of PaddleOCR's own conversion, losses included, for who must reproduce a run of it.

Recognition labels lose every space and quote and what follows a second comma; detection labels
lose what follows a comma in the text. Nothing is checked, and no image is looked for.

Source: PaddleOCR `ppocr/utils/gen_label.py`, run where text files are UTF-8.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocr_lib.data.labels.find import MAX_LINE_BYTES, line_too_long, unusable
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.errors import LabelError

_BOM_READ_AS_LATIN_1 = "\xef\xbb\xbf"


def compat_recognition(file: Path, report: LabelReport) -> Iterator[str]:
    """Yields the lines that PaddleOCR's script writes for recognition labels.

    Raises:
        LabelError: a line has no comma, where the script ends with an IndexError.
    """
    for number, line in enumerate(_lines(file, "utf-8"), start=1):
        columns = line.strip("\n").replace(" ", "").split(",")
        if len(columns) < 2:
            raise _stops(file, number, "the line has no comma")
        report.lines += 1
        report.written += 1
        label = columns[1].replace('"', "")
        yield f"{columns[0]}\t{label}\n"


def compat_detection(folder: Path, prefix: str, report: LabelReport) -> Iterator[str]:
    """Yields the lines that PaddleOCR's script writes for a folder of detection labels.

    The images are in the order in which the file system lists the label files.

    Raises:
        LabelError: a line is no polygon with a text, where the script ends with an error.
    """
    for name in os.listdir(folder):  # noqa: PTH208 - its order is what is to be reproduced
        file = folder / name
        if reason := unusable(file, folder):
            raise LabelError(str(file), reason, "Take it out of the folder")
        polygons = [
            _polygon(line, file, number)
            for number, line in enumerate(_lines(file, "utf-8-sig"), start=1)
        ]
        report.lines += len(polygons)
        report.written += 1
        image = os.path.join(prefix, f"{name[3:-4]}.jpg")  # noqa: PTH118 - keeps "./"
        yield f"{image}\t{json.dumps(polygons, ensure_ascii=False)}\n"


def _polygon(line: str, file: Path, number: int) -> dict[str, Any]:
    columns = line.strip("\n\r").replace(_BOM_READ_AS_LATIN_1, "").split(",")
    try:
        xy = [int(column) for column in columns[:8]]
        return {"transcription": columns[8], "points": [xy[i : i + 2] for i in range(0, 8, 2)]}
    except (ValueError, IndexError):
        raise _stops(file, number, "not eight whole numbers and a text") from None


def _lines(file: Path, encoding: str) -> Iterator[str]:
    try:
        with open(file, encoding=encoding) as lines:
            number = 0
            while line := lines.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES and not line.endswith("\n"):
                    raise line_too_long(file, number)
                yield line
    except UnicodeDecodeError as error:
        raise _stops(file, None, f"not UTF-8 ({error.reason})") from None


def _stops(file: Path, number: int | None, cause: str) -> LabelError:
    where = f"{file}:{number}" if number else str(file)
    return LabelError(where, f"{cause}, where PaddleOCR's script stops too", "Leave out compat")
