"""Reading a label file as blocks of whole lines: strict UTF-8, no BOM, LF line ends.

A block at a time, whatever the size of the file: memory stays constant, and what is done to a
block of 500 lines costs a fraction of what it costs line by line.
"""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ocr_lib.data.labels.find import MAX_LINE_BYTES, line_too_long
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.progress import Progress
from ocr_lib.regular_file import open_regular

BLOCK_BYTES = 1 << 14  # small enough for its pieces to stay in the processor's cache
_LF = b"\n"


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines of a file.

    Args:
        text: the lines, with a line feed before the first and after the last.
        name: of the file, for messages.
        number: of the first line in the file, from 1.
    """

    text: str
    name: str
    number: int


def read_blocks(path: Path, report: LabelReport) -> Iterator[LineBlock]:
    """Yields the blocks of a label file; what is not UTF-8 is dropped line by line.

    Raises:
        LabelError: a line has more than a megabyte.
    """
    number = 1
    with (
        open_regular(path) as file,
        Progress(os.fstat(file.fileno()).st_size, path.name, "bytes") as progress,
    ):
        while data := _read(file, path, number):
            progress.add(len(data))
            if number == 1:
                data = _without_bom(data, path.name, report)
            data = _with_line_feeds(data, path.name, number, report)
            yield LineBlock(f"\n{_decode(data, path.name, number, report)}", path.name, number)
            number += data.count(b"\n")


def _read(file: BinaryIO, path: Path, number: int) -> bytes:
    data = file.read(BLOCK_BYTES)
    rest = file.readline(MAX_LINE_BYTES)
    if len(rest) == MAX_LINE_BYTES and not rest.endswith(b"\n"):
        raise line_too_long(path, number + data.count(_LF))
    return data + rest


def _without_bom(data: bytes, name: str, report: LabelReport) -> bytes:
    if data.startswith(codecs.BOM_UTF8):
        report.change("byte-order mark removed", f"{name}:1", "")
    return data.removeprefix(codecs.BOM_UTF8)


def _with_line_feeds(data: bytes, name: str, number: int, report: LabelReport) -> bytes:
    if not data.endswith(b"\n"):
        data += b"\n"
    if (first := data.find(b"\r\n")) >= 0:
        where = f"{name}:{number + data.count(_LF, 0, first)}"
        report.change("CRLF line end replaced by LF", where, "", data.count(b"\r\n"))
        data = data.replace(b"\r\n", b"\n")
    return data


def _decode(data: bytes, name: str, number: int, report: LabelReport) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        lines = data.split(b"\n")
        return "\n".join(
            _decode_line(line, f"{name}:{i}", report) for i, line in enumerate(lines, number)
        )


def _decode_line(line: bytes, where: str, report: LabelReport) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        report.lines += 1
        report.drop("not UTF-8", where, line.decode("utf-8", "backslashreplace"))
        return ""
