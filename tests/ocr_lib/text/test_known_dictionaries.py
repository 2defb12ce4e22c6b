"""The dictionaries that have a name."""

import importlib.metadata
from pathlib import Path

import pytest

from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.text.known_dictionaries import known_content, known_names


@pytest.fixture(scope="module")
def wheel() -> Path:
    try:
        found = importlib.metadata.distribution("paddleocr")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the wheel paddleocr is not installed")
    return Path(str(found.locate_file("paddleocr")))


def read_as_paddleocr(path: Path) -> list[str]:
    with open(path, "rb") as lines:
        return [line.decode("utf-8").strip("\n").strip("\r\n") for line in lines]


def test_names_give_what_the_wheels_files_hold(wheel):
    for name, path in known_names().items():
        expected = read_as_paddleocr(wheel / path)
        assert list(load_dictionary(name).characters) == expected, name
        assert list(load_dictionary(f"./{path}").characters) == expected, name


@pytest.mark.parametrize(
    ("name", "entries"),
    [("en", 95), ("ic15", 36), ("french", 136), ("german", 143), ("ppocr_keys_v1", 6623)],
)
def test_number_of_entries(name, entries):
    assert load_dictionary(name).num_classes == entries + 1


def test_a_path_of_a_checkout_is_told_from_a_name_alike():
    assert load_dictionary("PaddleOCR/ppocr/utils/en_dict.txt").num_classes == 96
    assert load_dictionary("ppocr/utils/dict/en_dict.txt").num_classes == 64


def test_unknown_name_offers_near_ones():
    with pytest.raises(DictionaryError, match="The nearest known name is french"):
        load_dictionary("frensh")
    with pytest.raises(DictionaryError, match="ppocrv4_doc"):
        load_dictionary("ppocr/utils/dict/ppocrv4_doc_dic.txt")
    with pytest.raises(DictionaryError):
        load_dictionary("ppocr/utils/../../secret.txt")


@pytest.mark.parametrize(
    "path", ["ppocrv6", "ppocr/utils/dict/ppocrv6_dict.txt", "./dict/ppocrv5_korean_dict.txt"]
)
def test_a_dictionary_that_no_wheel_has_is_sent_to_its_archive(path: str) -> None:
    with pytest.raises(DictionaryError, match=r"no such file\. It is in the source archive"):
        known_content(path)
