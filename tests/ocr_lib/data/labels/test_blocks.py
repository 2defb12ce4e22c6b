"""Label files as blocks of whole lines."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocr_lib.data.labels import blocks
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.errors import LabelError


def read(path: Path, content: bytes) -> tuple[list[blocks.LineBlock], LabelReport]:
    path.write_bytes(content)
    report = LabelReport(path.name, "rec", "")
    return list(blocks.read_blocks(path, report)), report


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))))
def test_every_line_comes_once_with_its_number(tmp_path: Path, lines: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 8)
        found, _ = read(tmp_path / "gt.txt", "".join(f"{line}\n" for line in lines).encode())
    numbered = {}
    for block in found:
        assert block.text[0] == block.text[-1] == "\n"
        numbered |= dict(enumerate(block.text[1:-1].split("\n"), block.number))
    lines = [line.removeprefix("\ufeff") if i == 0 else line for i, line in enumerate(lines)]
    assert numbered == dict(enumerate(lines, 1))


def test_a_byte_order_mark_and_windows_line_ends_go_and_are_reported(tmp_path: Path) -> None:
    (block,), report = read(tmp_path / "gt.txt", "\ufeffa\nb\r\nc\r\n".encode())
    assert block.text == "\na\nb\nc\n"
    assert report.changed["byte-order mark removed"].count == 1
    windows = report.changed["CRLF line end replaced by LF"]
    assert (windows.count, windows.examples[0]["where"]) == (2, "gt.txt:2")


def test_a_line_that_is_not_utf8_is_dropped_alone(tmp_path: Path) -> None:
    (block,), report = read(tmp_path / "gt.txt", b"good\nb\xe4d\nfine")
    assert block.text == "\ngood\n\nfine\n"
    assert report.dropped["not UTF-8"].examples == [{"where": "gt.txt:2", "text": "b\\xe4d"}]


def test_a_line_without_end_is_refused_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"gt\.txt:2: a line of more than a megabyte"):
        read(tmp_path / "gt.txt", b"a\n" + b"x" * (blocks.MAX_LINE_BYTES + blocks.BLOCK_BYTES))


def test_an_empty_file_has_no_blocks(tmp_path: Path) -> None:
    assert read(tmp_path / "gt.txt", b"")[0] == []
