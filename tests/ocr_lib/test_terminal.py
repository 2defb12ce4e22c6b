"""Text from outside cannot move the cursor, end a line or reorder one."""

import io
import json
import sys
import unicodedata

import pytest

from ocr_lib.terminal import echo, printable

HOSTILE = "a\x1b[2Jb\u202ec\x00d\x9be\r\nf\u2066g\u2028h\udcffi"
SHOWN = r"a\u001b[2Jb\u202ec\u0000d\u009be\r\nf\u2066g\u2028h\udcffi"


def test_control_characters_are_shown_as_escapes() -> None:
    assert printable(HOSTILE) == SHOWN
    assert printable(SHOWN) == SHOWN
    assert json.loads(f'"{printable(HOSTILE)}"') == HOSTILE


@pytest.mark.parametrize("text", ["中文 é 'x' \\n", "می‌خواهم", "क्‍ष", "שלום 123", "e\u0301"])
def test_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_nothing_that_controls_the_output_is_left() -> None:
    shown = printable("".join(map(chr, range(sys.maxunicode + 1))))
    kinds = {unicodedata.category(character) for character in shown}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    marks = ("L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B", "S", "WS", "ON", "")
    assert {unicodedata.bidirectional(character) for character in shown} <= set(marks)


def test_echo_prints_what_the_terminal_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    echo("one\ttwo\nthree é\x1b", flush=True)
    assert raw.getvalue() == b"one\ttwo\nthree \\xe9\\u001b\n"
