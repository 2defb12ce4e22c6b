import cv2
import numpy as np
import pytest

from ocr_lib.data.synthetic import fonts
from ocr_lib.data.synthetic.render import MAX_HEIGHT, MIN_HEIGHT, encode_line, render_line
from ocr_lib.data.synthetic.text import ALPHABET, MAX_LENGTH
from ocr_lib.errors import UserError


@pytest.mark.parametrize("text", ["-", "W" * MAX_LENGTH, "RM 12.50", '"', "gjpqy,;"])
def test_a_line_is_grey_and_of_a_receipts_height(text: str) -> None:
    for seed in range(20):
        image = render_line(text, np.random.default_rng(seed))
        assert image.dtype == np.uint8
        assert image.ndim == 2
        assert MIN_HEIGHT <= image.shape[0] <= MAX_HEIGHT


def test_ink_can_be_told_from_paper() -> None:
    for seed in range(100):
        image = render_line("HHHH", np.random.default_rng(seed)).astype(int)
        low, high = np.percentile(image, (5, 95))
        assert high - low > 25, seed


def test_equal_generators_draw_equal_files() -> None:
    first, second = (np.random.default_rng(5) for _ in range(2))
    image = render_line("Total: 3", first)
    assert np.array_equal(image, render_line("Total: 3", second))
    content = encode_line(image, first)
    assert content == encode_line(image, second)
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert decoded.shape == image.shape


@pytest.mark.parametrize("face", fonts.FACES, ids=str)
def test_every_face_draws_every_character(face: fonts.Face) -> None:
    font = fonts.load_font(face, fonts.SIZES[-1])
    missing = font.draw("\U0010ffff")
    for character in ALPHABET.strip():
        drawn = font.draw(character)
        assert drawn.max() > 100, character
        assert not np.array_equal(drawn, missing), character


@pytest.mark.parametrize("face", fonts.FACES, ids=str)
def test_no_glyph_reaches_beyond_its_cell(face: fonts.Face) -> None:
    font = fonts.load_font(face, fonts.SIZES[-1])
    for character in ALPHABET:
        glyph, _ = font._glyph(character)
        assert not glyph[:, [0, -1]].any(), character


def test_a_missing_font_names_its_package() -> None:
    with pytest.raises(UserError, match="no-such-font") as caught:
        fonts.load_font(fonts.Face("no-such-font"), 20)
    assert "synth" in caught.value.fix
