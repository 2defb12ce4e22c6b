from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.synthetic.text import ALPHABET, MAX_LENGTH, sample_text


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = np.random.default_rng(0)
    return [sample_text(rng) for _ in range(10_000)]


@given(st.integers(0, 2**63))
def test_any_seed_gives_a_readable_line(seed: int) -> None:
    text = sample_text(np.random.default_rng(seed))
    assert 1 <= len(text) <= MAX_LENGTH
    assert text == text.strip()
    assert set(text) <= set(ALPHABET)
    assert "  " not in text  # the number of spaces in a row cannot be read from a picture
    assert text == sample_text(np.random.default_rng(seed))


def test_every_character_of_the_english_dictionary_is_learnable(texts: list[str]) -> None:
    counts = Counter("".join(texts))
    assert set(counts) == set(ALPHABET)
    assert len(ALPHABET) == 95
    assert min(counts.values()) >= 12


def test_lengths_are_those_of_receipt_lines(texts: list[str]) -> None:
    lengths = np.array([len(text) for text in texts])
    assert ((lengths >= 4) & (lengths <= 18)).mean() > 0.85
    assert lengths.max() > 20


def test_most_texts_are_drawn_once(texts: list[str]) -> None:
    assert len(set(texts)) > 0.9 * len(texts)


@pytest.mark.parametrize("piece", [",", '"', "'", "$", ": ", "/20", "%", "@", "TOTAL", "Total"])
def test_labels_hold_what_label_readers_get_wrong(texts: list[str], piece: str) -> None:
    assert sum(piece in text for text in texts) >= 10
