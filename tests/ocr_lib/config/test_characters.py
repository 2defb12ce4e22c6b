"""Which characters a configuration means."""

from pathlib import Path
from typing import Any

import pytest

from ocr_lib.config.characters import (
    as_trained,
    dictionary_messages,
    dictionary_of,
    made_of_labels,
    named_dictionary,
    trained_dictionary,
    write_dictionary,
)
from ocr_lib.config.loader import config_from_dict
from ocr_lib.config.schema import Config
from ocr_lib.errors import DictionaryError
from ocr_lib.text.dictionary import Charset, load_dictionary

ARCHITECTURE = {"Architecture": {"Backbone": {"name": "MobileNetV3"}, "Head": {"name": "CTCHead"}}}


def config(**values: Any) -> Config:
    return config_from_dict({**ARCHITECTURE, "Global": values})


def test_a_named_dictionary_needs_no_labels() -> None:
    found = config(character_dict_path="en", use_space_char=False)
    assert not made_of_labels(found)
    assert trained_dictionary(found, iter(())) == load_dictionary("en", False)
    assert dictionary_of(found.global_) == load_dictionary("en", False)
    assert named_dictionary(found) == found


def test_unset_means_digits_and_letters() -> None:
    assert trained_dictionary(config(), ()) == load_dictionary(None, False)


def test_labels_make_their_own_and_the_run_folder_keeps_it(tmp_path: Path) -> None:
    found = config(character_dict_path="labels", use_space_char=True, save_model_dir=str(tmp_path))
    assert made_of_labels(found)
    trained = trained_dictionary(found, ["b a", "aé"])
    assert trained.characters == (" ", "a", "b", "é")
    with pytest.raises(DictionaryError, match=r"dictionary\.txt"):
        dictionary_of(found.global_)
    trained.to_file(tmp_path / "dictionary.txt")
    assert dictionary_of(found.global_).characters == trained.characters
    named = named_dictionary(found).global_
    assert named.character_dict_path == str(tmp_path / "dictionary.txt")
    assert not named.use_space_char
    assert dictionary_of(named).characters == trained.characters


def test_a_file_with_what_cannot_be_learnt_is_refused_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("a\n\nb\n", encoding="utf-8")
    own = config(character_dict_path=str(file))
    with pytest.raises(DictionaryError, match=r"own\.txt:2: the line is empty"):
        dictionary_messages(own)
    file.write_text("a\nb\na\n", encoding="utf-8")
    (message,) = dictionary_messages(own)
    assert message.startswith(f"{file}:3: 'a' (U+0061")


def test_known_dictionaries_are_remarked_on_and_not_refused() -> None:
    (missing,) = dictionary_messages(config(character_dict_path="vi"))
    assert missing.startswith("vi lacks '0' (U+0030")
    assert "'f' (U+0066" in missing
    (missing,) = dictionary_messages(config(character_dict_path="german", use_space_char=True))
    assert missing == "german lacks 'p' (U+0070 LATIN SMALL LETTER P)"
    assert dictionary_messages(config(character_dict_path="labels")) == []


@pytest.mark.parametrize("right_to_left", [False, True])
def test_the_direction_of_trained_weights_comes_back(tmp_path: Path, right_to_left: bool) -> None:
    charset = Charset(("א", "ב"), right_to_left=right_to_left)
    write_dictionary(charset, tmp_path)
    loaded = load_dictionary(str(tmp_path / "dictionary.txt"))
    assert as_trained(loaded, tmp_path, "labels") == charset
    assert as_trained(loaded, tmp_path / "absent", None) == loaded


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"right_to_left": 1}', "[" * 100_000])
def test_a_damaged_direction_is_named(tmp_path: Path, content: str) -> None:
    charset = Charset(("א", "ב"), right_to_left=True)
    write_dictionary(charset, tmp_path)
    (tmp_path / "dictionary.json").write_text(content)
    with pytest.raises(DictionaryError, match=r"dictionary\.json: does not say whether"):
        as_trained(charset, tmp_path, None)
