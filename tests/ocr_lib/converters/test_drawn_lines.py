"""Drawn lines to compare networks on."""

import numpy as np

from ocr_lib.converters.drawn_lines import LENGTHS, drawn_lines


def test_lines_are_the_same_every_time_and_all_different() -> None:
    one, again = drawn_lines("abc"), drawn_lines("abc")
    assert len(one) == 27
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert len({line.tobytes() for line in one}) == 27


def test_lines_are_images_of_many_widths_with_dark_ink_on_light_paper() -> None:
    lines = drawn_lines("abc", 9)
    assert all(line.dtype == np.uint8 and line.shape[2] == 3 for line in lines)
    widths = [line.shape[1] for line in lines]
    assert max(widths) > 10 * min(widths)
    assert len(lines) == len(LENGTHS)
    for line in lines:
        assert np.median(line) > 150
        assert line.min() < 110


def test_characters_that_cannot_be_drawn_are_left_out() -> None:
    plain, more = drawn_lines("abc"), drawn_lines(["a", "b", "漢", "ab", "c"])
    assert all(np.array_equal(a, b) for a, b in zip(plain, more, strict=True))


def test_where_none_can_be_drawn_there_are_digits() -> None:
    digits, chinese = drawn_lines("0123456789"), drawn_lines("漢字")
    assert all(np.array_equal(a, b) for a, b in zip(digits, chinese, strict=True))
