import random
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocr_lib.data.image import Preprocess
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.tiling import MAX_PIECES, merge, split
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.barcode import CHARACTERS, DICTIONARY, PREPROCESS, draw

WORDS = ("cafe", "bead 12", "fade", "ab", "decaf 321", "1 2 3", "face")


def network(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reads every column of 1 px, so that it does not matter where a piece begins."""
    greys = np.rint((batch.mean(axis=(1, 2)) * 0.5 + 0.5) * 255 / 10).astype(int)
    classes = np.where(greys <= len(CHARACTERS), greys, 0)
    one_hot = np.eye(len(CHARACTERS) + 1, dtype=np.float32)[classes]
    return np.asarray(0.9 * one_hot + 0.1 / one_hot.shape[2], np.float32)


def line(length: int, seed: int = 0) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(length))[: length - 1].ljust(length, "d")


def read(text: str, dictionary: Charset = DICTIONARY) -> Recognition:
    return Recognizer(PREPROCESS, dictionary, network).read([draw(text)])[0]


@pytest.mark.parametrize("length", [33, 48, 49, 60, 100, 250, 700])
def test_a_wide_line_is_read_whole(length: int) -> None:
    """32 characters fill the widest bucket; up to 48 are squeezed, which this network cannot."""
    for seed in range(20):
        text = line(length, seed)
        if length > 48:
            assert read(text).text == text
        assert len(read(text).char_scores) == len(read(text).text)


@settings(max_examples=60)
@given(st.text("abcdef123 ", min_size=49, max_size=400))
def test_any_text_survives_the_cuts(text: str) -> None:
    """Runs of one character may lose or gain some: nothing tells how far the pieces overlap."""
    runs = any(text[i] == text[i + 1] == text[i + 2] for i in range(len(text) - 2))
    if not runs:
        assert read(text).text == text


def test_lines_below_the_limit_are_one_piece() -> None:
    for width in (1, 64, 256, 384):
        assert split(np.zeros((16, width, 3), np.uint8), PREPROCESS) == [(0, width)]
    assert len(split(np.zeros((16, 385, 3), np.uint8), PREPROCESS)) == 2
    stretched = Preprocess(16, (64,), keep_ratio=False)
    assert split(np.zeros((16, 4000, 3), np.uint8), stretched) == [(0, 4000)]


@pytest.mark.parametrize("shape", [(16, 5000), (1, 3000), (3, 100_000), (64, 1600), (16, 386)])
def test_pieces_cover_the_line_overlap_and_are_few(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    found = split(rng.integers(0, 255, (*shape, 3), np.uint8), PREPROCESS)
    assert found[0][0] == 0
    assert found[-1][1] == shape[1]
    assert 1 < len(found) <= MAX_PIECES + 1
    for (start, end), (following, _) in pairwise(found):
        assert start < following < end


def test_cuts_go_between_characters() -> None:
    """A white gap each 8 px; every cut is in one."""
    image = draw("abc123" * 40)
    for start, end in split(image, PREPROCESS)[1:-1]:
        assert (image[:, start] == 255).all()
        assert (image[:, end - 1] == 255).all() or (image[:, end] == 255).all()


def test_light_on_dark_is_cut_the_same_way() -> None:
    image = draw("abc123" * 40)
    assert split(255 - image, PREPROCESS) == split(image, PREPROCESS)


def test_a_misread_character_at_an_edge_does_not_stay() -> None:
    first = Recognition("hello worlx", 0.9, (0.9,) * 11)
    second = Recognition("varld again", 0.8, (0.8,) * 11)  # shares "world"
    found = merge([(0, 110), (60, 170)], [first, second], right_to_left=False)
    assert found.text == "hello world again"
    assert found.char_scores == (0.9,) * 9 + (0.8,) * 8


def test_right_to_left_begins_with_the_last_piece() -> None:
    parts = [
        Recognition("גדהוזח", 0.5, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
        Recognition("אבגד", 1.0, (1.0,) * 4),
    ]
    found = merge([(0, 60), (40, 80)], parts, right_to_left=True)
    assert found.text == "אבגדהוזח"
    assert found.char_scores[:2] == (0.1, 0.2)  # from the left end of the line


def test_a_number_that_a_piece_cuts_off_keeps_its_place() -> None:
    left, right = Recognition("ABC 12", 0.9), Recognition("12 שלום", 0.9)
    found = merge([(0, 60), (40, 110)], [left, replace(right, text="שלום 12")], right_to_left=True)
    assert found.text == "שלום ABC 12"


def test_nothing_read_stays_nothing() -> None:
    empty = Recognition("", 0.0, ())
    for right_to_left in (False, True):
        assert merge([(0, 60), (40, 80)], [empty, empty], right_to_left) == empty


def test_texts_of_a_charset_that_is_not_turned_stay_as_they_are_drawn() -> None:
    """Charsets of earlier versions with right-to-left letters: a short line is not turned."""
    parts = [Recognition("םולש 12 (abc", 0.9), Recognition("(abc) קוד", 0.9)]
    joined = merge([(0, 120), (80, 170)], parts, right_to_left=False)
    assert joined.text == "םולש 12 (abc) קוד"
    letters = str.maketrans("abcdef", "אבגדהו")
    dictionary = Charset(tuple("".join(CHARACTERS).translate(letters)))
    for length in (20, 100):
        text = line(length, 3)
        assert read(text, dictionary).text == text.translate(letters)


def test_wide_and_narrow_lines_share_batches() -> None:
    texts = [line(n, n) for n in (100, 5, 80, 300, 12)]
    images = [bytes(cv2.imencode(".png", draw(text))[1]) for text in texts]
    assert [r.text for r in Recognizer(PREPROCESS, DICTIONARY, network).read(images)] == texts
    assert set("".join(texts)) <= set(CHARACTERS)


def test_limits_of_the_server_name_what_is_too_large() -> None:
    image = bytes(cv2.imencode(".png", draw("abc"))[1])
    small = Recognizer(PREPROCESS, DICTIONARY, network, max_image_bytes=10)
    assert small.read([image])[0].error == "the image has more than 10 bytes"
    few = Recognizer(PREPROCESS, DICTIONARY, network, max_image_pixels=24 * 16 - 1)
    assert few.read([image])[0].error == "the image claims 24x16 pixels, more than 383 in all"
