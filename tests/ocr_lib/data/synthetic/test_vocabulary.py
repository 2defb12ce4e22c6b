"""The words that synthetic lines are composed of."""

import pytest

from ocr_lib.data.synthetic import vocabulary

LISTS = {name: value for name, value in vars(vocabulary).items() if name.isupper()}
WEIGHTED = {"CURRENCIES"}  # what is written twice is drawn twice as often


@pytest.mark.parametrize("name", LISTS)
def test_words_are_trimmed_and_drawn_once(name: str) -> None:
    words = LISTS[name]
    assert words
    assert all(word and word == word.strip() for word in words)
    assert all(" ".join(word.split()) == word for word in words)
    assert name in WEIGHTED or len(set(words)) == len(words)


def test_separators_keep_phrases_together() -> None:
    assert "Thank you" in vocabulary.PHRASES
    assert "Grand Total" in vocabulary.FIELDS
    assert vocabulary.MONTHS[:2] == ("Jan", "Feb")
    assert len(vocabulary.LONG_MONTHS) == 12
