import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset, build_dictionary, load_dictionary


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
    assert " 12.5% " in seen


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
    known = "".join(c for c in text if c not in dictionary.unknown(text))
    assert dictionary.text(dictionary.encode(text)) == known


@given(st.text(alphabet=st.sampled_from(load_dictionary("arabic", use_space_char=True).characters)))
def test_right_to_left_text_comes_back(text):
    dictionary = load_dictionary("arabic", use_space_char=True)
    assert dictionary.text(dictionary.encode(text)) == text
