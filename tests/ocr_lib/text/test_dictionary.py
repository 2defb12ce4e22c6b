import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DictionaryError
from ocr_lib.text.bidi import visual_order
from ocr_lib.text.dictionary import (
    Charset,
    build_dictionary,
    load_dictionary,
    with_direction,
)


def test_use_space_char_adds_a_second_space():
    dictionary = load_dictionary("en", use_space_char=True)
    assert dictionary.num_classes == 97
    assert dictionary.encode(" ") == [96]
    assert dictionary.text([95]) == dictionary.text([96]) == " "


def test_default_is_digits_and_lower_case():
    dictionary = load_dictionary(None, use_space_char=True)
    assert dictionary.num_classes == 37
    assert dictionary.encode("Ab 9") == [11, 12, 10]
    assert dictionary.unknown("Ab 9!") == [" ", "!"]


def test_of_equal_entries_the_last_is_encoded_and_both_are_decoded(tmp_path):
    (tmp_path / "d.txt").write_text("l\nd\na\nd\nr\nn\n")
    dictionary = load_dictionary(str(tmp_path / "d.txt"))
    assert dictionary.encode("and") == [3, 6, 4]
    assert dictionary.text([2, 4]) == "dd"


def test_entries_of_several_characters_are_decoded_only():
    dictionary = Charset(("a", "ab", "b"))
    assert dictionary.encode("ab") == [1, 3]
    assert dictionary.text([1, 2, 0, 3]) == "aabb"


def test_line_ends_go_and_spaces_stay(tmp_path):
    (tmp_path / "d.txt").write_bytes("a\r\n \r\n\u3000\nb ".encode())
    assert load_dictionary(str(tmp_path / "d.txt")).characters == ("a", " ", "\u3000", "b ")


def test_arabic_is_turned_both_ways():
    dictionary = load_dictionary("arabic", use_space_char=True)
    text = "عدد 12.5% في"
    assert not dictionary.unknown(text)
    ids = dictionary.encode(text)
    assert dictionary.text(ids) == text
    seen = "".join(dictionary.characters[i - 1] for i in ids)  # from the left end of the line
    assert seen.startswith("يف")
    assert seen == "يف %12.5 ددع"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xef\xbb\xbfa\nb\n", r"d\.txt:1: .*byte-order mark"),
        (b"a\nb\n\xff\n", r"d\.txt:3: not UTF-8"),
        (b"", "empty"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "d.txt").write_bytes(content)
    with pytest.raises(DictionaryError, match=message):
        load_dictionary(str(tmp_path / "d.txt"))


def test_built_dictionary_is_sorted_and_survives_its_file(tmp_path):
    dictionary = build_dictionary(["banana ä", "cab\n"])
    assert dictionary.characters == (" ", "a", "b", "c", "n", "ä")
    dictionary.to_file(tmp_path / "d.txt")
    loaded = load_dictionary(str(tmp_path / "d.txt"))
    assert loaded == dictionary
    assert hash(loaded) == hash(dictionary)
    assert loaded.digest == dictionary.digest


def test_rare_characters_and_the_space_can_be_left_out():
    assert build_dictionary(["a ab", "b c"], 2, use_space_char=False).characters == ("a", "b")
    with pytest.raises(DictionaryError, match="no character occurs 9 times"):
        build_dictionary(["abc"], min_count=9)


@given(st.text())
def test_decoding_undoes_encoding_of_known_characters(text):
    dictionary = load_dictionary("en")
    known = "".join(c for c in dictionary.canonical(text) if not dictionary.unknown(c))
    assert dictionary.text(dictionary.encode(text)) == known


WORDS = ["رقم", "سعر", "abc", "X1", "12", "50%", "1,250.00", "12:30", "-", "+", "."]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join))
def test_right_to_left_text_comes_back(text):
    dictionary = load_dictionary("arabic", use_space_char=True)
    back = dictionary.text(dictionary.encode(text))
    assert back == dictionary.canonical(text)
    assert dictionary.canonical(back) == back


@pytest.mark.parametrize(
    "text",
    ["رقم 123", "رقم ٤٥٦", "خصم 50% اليوم", "(نص) abc [xyz]", "السعر: 1,250.00 $", "قال «نعم»"],
)
def test_a_label_is_taught_as_the_eye_meets_it(text):
    dictionary = build_dictionary([text])
    assert dictionary.right_to_left
    taught = "".join(dictionary.characters[i - 1] for i in dictionary.encode(text))
    drawn = visual_order(text)
    assert taught == "".join(c for c in drawn if c in dictionary.characters)
    if set(drawn) <= set(dictionary.characters):
        assert dictionary.text(dictionary.encode(text)) == text


def test_right_to_left_letters_decide_and_not_the_name(tmp_path):
    assert load_dictionary("arabic").right_to_left
    assert not load_dictionary("german").right_to_left
    for letters in ("שלום", "ABآب"):
        file = tmp_path / "own.txt"
        file.write_text("\n".join(letters), encoding="utf-8")
        assert load_dictionary(str(file)).right_to_left


@pytest.mark.parametrize("label", ["SOẠT", "SOA\u0323T", "e\u0301te\u0301", "Vie\u0323\u0302t"])
def test_both_forms_of_a_letter_are_one_class(label):
    dictionary = build_dictionary([label])
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, label)
        assert dictionary.unknown(text) == []
        assert dictionary.encode(text) == dictionary.encode(label)
        assert dictionary.canonical(text) == unicodedata.normalize("NFC", label)
    both = [unicodedata.normalize(form, label) for form in ("NFC", "NFD")]
    assert build_dictionary(both) == dictionary


@pytest.mark.parametrize(
    ("entries", "label", "text"),
    [
        ("e\u0301", "é", "e\u0301"),  # only the parts are entries
        ("\u0958\u0915", "\u0958", "\u0958"),  # NFC would take it apart
        ("\u2126\u03a9", "\u2126 \u03a9".replace(" ", ""), "\u2126\u03a9"),  # ohm and omega
        ("é", "e\u0301", "é"),
        ("กำ\u0e34", "ก\u0e34ำ", "ก\u0e34ำ"),  # marks on purpose
        ("한", "\u1112\u1161\u11ab", "한"),
    ],
)
def test_labels_take_the_form_of_the_entries(entries, label, text):
    dictionary = Charset(tuple(entries))
    assert dictionary.unknown(label) == []
    assert dictionary.text(dictionary.encode(label)) == text == dictionary.canonical(label)


def test_an_entry_written_in_its_parts_is_met(tmp_path):
    (tmp_path / "d.txt").write_text("a\ne\u0301\nb\n", encoding="utf-8")
    dictionary = load_dictionary(str(tmp_path / "d.txt"))
    for label in ("é", "e\u0301"):
        assert dictionary.encode(label) == [2]
    assert dictionary.text([2]) == "é"


def test_a_dictionary_is_a_file_within_a_bound(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(DictionaryError):
        load_dictionary(str(tmp_path / "pipe.txt"))
    with (tmp_path / "film.txt").open("wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(DictionaryError, match="larger than 4,194,304"):
        load_dictionary(str(tmp_path / "film.txt"))


@pytest.mark.parametrize("text", ["", "ab", "a-b!", "éa", "e\u0301x", "가ab", "ab각", "אבa", "א1"])
@pytest.mark.parametrize("characters", ["ab", "abe\u0301", "ab\u1100\u1161", "abאב"])
def test_one_pass_gives_ids_and_unknown_characters(text: str, characters: str) -> None:
    charset = with_direction(tuple(characters))
    for _ in range(2):  # the second time from what the first one has kept
        ids, unknown = charset.encode_checked(text)
        assert unknown == charset.unknown(text)
        assert ids == charset.encode(text)


@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000, "folder/" * 1000])
def test_a_name_too_long_for_a_path_is_refused_in_one_short_line(name: str) -> None:
    with pytest.raises(DictionaryError, match="there is no such file") as refused:
        load_dictionary(name)
    assert len(str(refused.value)) < 600
