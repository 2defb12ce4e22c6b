from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocr_lib.inference.recognizer import Recognizer
from tests.ocr_lib.barcode import CHARACTERS, DICTIONARY, PREPROCESS, draw, network, png

LINES = st.lists(st.text(CHARACTERS, min_size=1, max_size=30), max_size=12)


def recognizer(**options: int) -> Recognizer:
    return Recognizer(PREPROCESS, DICTIONARY, network, **options)


@given(LINES)
def test_order_is_kept_across_buckets(lines: list[str]) -> None:
    assert [r.text for r in recognizer().read([png(line) for line in lines])] == lines


@given(LINES)
def test_text_and_score_do_not_depend_on_batch_mates(lines: list[str]) -> None:
    images = [draw(line) for line in lines]
    alone = [recognizer().read([image])[0] for image in images]
    assert recognizer().read(images) == alone
    assert recognizer(max_batch_pixels=1).read(images) == alone


def test_bad_images_fail_alone() -> None:
    images: Sequence[bytes | NDArray[np.uint8]] = [
        png("abc"),
        b"",
        b"no image",
        png("abc")[:40],
        np.zeros((4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        draw("1 2"),
    ]
    answers = recognizer().read(images)
    assert [answer.text for answer in answers] == ["abc", "", "", "", "", "", "1 2"]
    assert [answer.error is None for answer in answers] == [True, *[False] * 5, True]
    assert all(answer.score == 0.0 for answer in answers[1:-1])
    assert answers[1].error == "the image is empty"


def test_an_image_of_a_single_colour_is_marked() -> None:
    plain = np.full((16, 64, 3), 200, np.uint8)
    images = [bytes(cv2.imencode(kind, plain)[1]) for kind in (".png", ".jpg", ".webp")]
    for answer in recognizer().read([*images, bytes(cv2.imencode(".png", plain * 0)[1])]):
        assert (answer.text, answer.score) == ("", 0.0)
        assert answer.error == "the image has a single colour: there is nothing to read on it"


def test_nothing_in_nothing_out() -> None:
    assert recognizer().read([]) == []


@pytest.mark.parametrize(
    ("max_batch_pixels", "sizes"),
    [
        (16 * 64 * 4, [4, 4, 2]),  # short lines share a pass up to the cap
        (1, [1] * 10),  # one image always goes through
    ],
)
def test_batches_stay_below_the_cap(max_batch_pixels: int, sizes: list[int]) -> None:
    seen: list[int] = []

    def forward(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(len(batch))
        return network(batch)

    Recognizer(PREPROCESS, DICTIONARY, forward, max_batch_pixels).read([draw("abc")] * 10)
    assert seen == sizes


def test_tall_lines_are_turned_where_the_network_learnt_them_so() -> None:
    turning = replace(PREPROCESS, turn_tall=True)
    rng = np.random.default_rng(3)
    for text in ("abc 123", "".join(rng.choice(list("abcdef123"), 70))):  # one piece, several
        tall = np.ascontiguousarray(np.rot90(draw(text), -1))
        encoded = bytes(cv2.imencode(".png", tall)[1])
        lying, *turned = Recognizer(turning, DICTIONARY, network).read([draw(text), tall, encoded])
        assert [answer.text for answer in turned] == [lying.text] * 2
        assert recognizer().read([draw(text)]) == [lying]
        if len(text) < 32:
            assert lying.text == text
            assert recognizer().read([encoded])[0].text != text
