"""Faults of dictionaries, with the lines that they are in."""

from pathlib import Path

import pytest

from ocr_lib.text.dictionary import Charset, load_dictionary
from ocr_lib.text.dictionary_faults import ALPHABETS, faults, lacks
from ocr_lib.text.known_dictionaries import known_names


def faults_of(tmp_path: Path, content: bytes, space: bool = False) -> list[tuple[int, bool, str]]:
    file = tmp_path / "d.txt"
    file.write_bytes(content)
    found = faults(load_dictionary(str(file), space), space)
    return [(fault.line, fault.is_error, fault.cause) for fault in found]


@pytest.mark.parametrize(
    ("content", "line", "is_error", "cause"),
    [
        (b"\na\nb\n", 1, True, "the line is empty"),
        (b"a\n\nb\n", 2, True, "the line is empty"),
        (b"a\nb \n", 2, True, "'b' (U+0062 LATIN SMALL LETTER B) with a space"),
        (b"a\nab\n", 2, True, "'ab' has 2 characters"),
        (b"a\rb\rc\r", 1, True, "a carriage return within the line"),
        (b"a\nb\na\n", 3, False, "'a' (U+0061 LATIN SMALL LETTER A) is in line 1 too"),
        ("é\ne\u0301\n".encode(), 2, False, "is line 1's letter in another Unicode form"),
        ("\u03a9\n\u2126\n".encode(), 2, False, "is line 1's letter in another Unicode form"),
    ],
)
def test_each_is_named_with_its_line(
    tmp_path: Path, content: bytes, line: int, is_error: bool, cause: str
) -> None:
    ((at, error, text),) = faults_of(tmp_path, content)
    assert (at, error) == (line, is_error)
    assert cause in text


def test_a_space_in_the_file_and_another_by_the_key(tmp_path: Path) -> None:
    ((line, is_error, cause),) = faults_of(tmp_path, b"a\n \nb\n", space=True)
    assert (line, is_error) == (2, False)
    assert "use_space_char appends a second space" in cause
    assert faults_of(tmp_path, b"a\n \nb\n") == []


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"a\nb", "\u0958\n\u0e34\n\u0301".encode()])
def test_what_can_be_learnt_is_no_fault(tmp_path: Path, content: bytes) -> None:
    assert faults_of(tmp_path, content) == []


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("vi", ["'f' (U+0066", "'O' (U+004F", "'0' (U+0030"]),
        ("german", ["'p' (U+0070"]),
        ("ppocr/utils/dict/vi_dict.txt", ["'z' (U+007A"]),
    ],
)
def test_what_a_language_needs_is_looked_for(name: str, missing: list[str]) -> None:
    found = lacks(load_dictionary(name), name)
    for character in missing:
        assert character in found


def test_complete_ones_and_those_of_no_language_lack_nothing() -> None:
    assert lacks(load_dictionary("en"), "en") == ""
    assert lacks(load_dictionary("ppocr_keys_v1"), "ppocr_keys_v1") == ""
    assert lacks(Charset(tuple("abc")), "receipts.txt") == ""
    own = Charset(tuple(ALPHABETS["pl"] + ALPHABETS["pl"].upper() + "0123456789"))
    assert lacks(own, "data/pl_dict.txt") == ""


@pytest.mark.parametrize("name", known_names())
def test_named_dictionaries_can_be_looked_at(name: str) -> None:
    for fault in faults(load_dictionary(name)):
        assert fault.line >= 1
