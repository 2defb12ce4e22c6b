"""Lines with right-to-left letters, in the order of the eye and of the reader."""

import pytest
from bidi.algorithm import get_display
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.text.bidi import MIRROR, has_right_to_left, reading_order, visual_order

LINES = {
    "رقم 123": "123 مقر",
    "رقم ٤٥٦": "٤٥٦ مقر",
    "خصم 50% اليوم": "مويلا %50 مصخ",
    "שלום (עולם) 12:30": "12:30 (םלוע) םולש",
    "السعر: 1,250.00 $": "$ 1,250.00 :رعسلا",
    "قال «نعم»": "«معن» لاق",
    "قانون رقم 12/2024": "12/2024 مقر نوناق",
    "קוד AB-12 חדש": "שדח AB-12 דוק",
    "٥ + ٣ = ٨ صح": "حص ٨ = ٣ + ٥",
    "iPhone 15 متوفر": "رفوتم iPhone 15",
}


@pytest.mark.parametrize(("text", "drawn"), LINES.items())
def test_lines_are_drawn_as_by_the_algorithm_and_read_back(text: str, drawn: str) -> None:
    assert visual_order(text) == drawn == get_display(text, base_dir="R")
    assert reading_order(drawn) == text


def test_brackets_around_latin_words_keep_their_direction() -> None:
    """Rule N0, which python-bidi does not have."""
    assert visual_order("(نص) abc [xyz]") == "abc [xyz] (صن)"
    assert reading_order("abc [xyz] (صن)") == "(نص) abc [xyz]"


@pytest.mark.parametrize("text", ["", "12 (kg) 50%", "漢字「テスト」", "é – ü", "Tel: +49 (0)30"])
def test_left_to_right_lines_stay(text: str) -> None:
    assert visual_order(text) == reading_order(text) == text
    assert not has_right_to_left(text)


WORDS = ["رقم", "سعر", "שלום", "abc", "X1", "12", "٤٥", "50%", "1,250.00", "12:30", "3-4", "$", "-"]
WORDS += ["«نعم»", "،", "+", ".", "/"]
MIXED = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)


@given(MIXED)
def test_python_bidi_draws_the_same(text: str) -> None:
    base = "R" if has_right_to_left(text) else "L"
    assert visual_order(text) == get_display(text, base_dir=base)


@given(MIXED)
def test_what_is_read_back_looks_the_same(text: str) -> None:
    drawn = visual_order(text)
    back = reading_order(drawn)
    assert sorted(back.translate(ONE_SIDE)) == sorted(text.translate(ONE_SIDE))
    assert reading_order(visual_order(back)) == back


ONE_SIDE = {ord(c): min(c, MIRROR[c]) for c in MIRROR}


@given(st.text())
def test_no_character_is_lost(text: str) -> None:
    assert sorted(visual_order(text).translate(ONE_SIDE)) == sorted(text.translate(ONE_SIDE))
