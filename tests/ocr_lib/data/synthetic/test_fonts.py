"""The faces that synthetic lines are set in."""

import numpy as np
import pytest

from ocr_lib.data.synthetic.fonts import FACES, SIZES, Face, load_font
from ocr_lib.errors import UserError


@pytest.mark.parametrize("size", SIZES)
def test_a_line_is_as_wide_as_its_advances(size: int) -> None:
    font = load_font(Face("roboto-mono"), size)
    widths = [font.draw("x" * n).shape[1] for n in (1, 10, 100)]
    advance = widths[2] / 100
    assert widths[1] == pytest.approx(10 * advance, abs=2)
    assert font.draw("i" * 100).shape[1] == widths[2]  # every advance of this face is equal
    assert font.draw("x").shape[0] == font.height


def test_ink_is_255_and_a_space_has_none() -> None:
    font = load_font(FACES[0], 38)
    drawn = font.draw("A B")
    assert drawn.dtype == np.uint8
    assert drawn.max() == 255
    assert not font.draw("   ").any()


def test_a_face_is_opened_once() -> None:
    assert load_font(FACES[0], 20) is load_font(FACES[0], 20)
    assert load_font(FACES[0], 20) is not load_font(FACES[0], 28)


@pytest.mark.parametrize(
    ("light", "heavy"),
    [
        (Face("inconsolata", 400), Face("inconsolata", 600)),
        (Face("source-serif-4", 400), Face("source-serif-4", 600)),
        (Face("roboto-condensed", 400), Face("roboto-condensed", 700)),
    ],
)
def test_a_heavier_weight_has_more_ink(light: Face, heavy: Face) -> None:
    ink = [load_font(face, 38).draw("Hamburg").astype(int).sum() for face in (light, heavy)]
    assert ink[1] > 1.1 * ink[0]


def test_a_wider_face_is_wider() -> None:
    wide, narrow = Face("inconsolata", 500, 120), Face("inconsolata", 500, 100)
    widths = [load_font(face, 38).draw("Hamburg").shape[1] for face in (wide, narrow)]
    assert widths[0] == pytest.approx(1.2 * widths[1], rel=0.05)


def test_a_family_that_is_not_installed_names_the_packages() -> None:
    with pytest.raises(UserError, match=r"font no-such-face: .*requirements/synth\.txt"):
        load_font(Face("no-such-face"), 20)
