"""The faces that synthetic lines are set in, from the locked fontpkg packages."""

import math
from dataclasses import dataclass
from functools import cache

import fontpkg
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import Axis

from ocr_lib.errors import UserError

SIZES = (20, 28, 38)
"""Pixel sizes that glyphs are drawn at; lines are scaled from the nearest larger one."""
OVERHANG = 8
"""Columns (px) that a glyph may reach beyond its advance on either side."""


@dataclass(frozen=True, slots=True)
class Face:
    """One weight of a family; `width` is a percentage, where the family varies in width."""

    family: str
    weight: int = 400
    width: int = 100


FACES = (
    Face("ibm-plex-mono", 400),
    Face("ibm-plex-mono", 600),
    Face("roboto-mono", 400),
    Face("roboto-mono", 600),
    Face("inconsolata", 400),
    Face("inconsolata", 600),
    Face("inconsolata", 500, 120),
    Face("roboto-condensed", 400),
    Face("roboto-condensed", 700),
    Face("pt-sans-narrow", 400),
    Face("pt-sans-narrow", 700),
    Face("noto-sans", 400),
    Face("noto-sans", 600),
    Face("noto-sans", 500, 85),
    Face("source-serif-4", 400),
    Face("source-serif-4", 600),
)


class LoadedFont:
    """A face at one size, which draws every character only once.

    Attributes:
        height: rows from the top of capitals to the foot of descenders, px.
    """

    def __init__(self, font: ImageFont.FreeTypeFont) -> None:
        _, top, _, bottom = font.getbbox("Ay(")
        self.height = int(bottom - top)
        self._font = font
        self._top = top
        self._glyphs: dict[str, tuple[np.ndarray, float]] = {}

    def draw(self, text: str) -> np.ndarray:
        """Sets a line.

        Returns:
            uint8 [height, W], 255 = ink; W is the sum of the advances.
        """
        glyphs = [self._glyph(character) for character in text]
        ends = np.cumsum([advance for _, advance in glyphs])
        line = np.zeros((self.height, math.ceil(ends[-1]) + 2 * OVERHANG + 1), np.uint8)
        for (glyph, advance), end in zip(glyphs, ends.tolist(), strict=True):
            start = round(end - advance)
            place = line[:, start : start + glyph.shape[1]]
            np.maximum(place, glyph, out=place)
        return line[:, OVERHANG:-OVERHANG]

    def _glyph(self, character: str) -> tuple[np.ndarray, float]:
        """A character with `OVERHANG` columns on both sides, and its advance in px."""
        if character not in self._glyphs:
            advance = self._font.getlength(character)
            image = Image.new("L", (math.ceil(advance) + 2 * OVERHANG, self.height))
            at = (OVERHANG, -self._top)
            ImageDraw.Draw(image).text(at, character, fill=255, font=self._font)
            self._glyphs[character] = np.asarray(image), advance
        return self._glyphs[character]


@cache
def load_font(face: Face, size: int) -> LoadedFont:
    """Opens a face once per process; `size` in px.

    Raises:
        UserError: the family's package is not installed.
    """
    try:
        family = fontpkg.family(face.family)
        path = fontpkg.path(face.family, weight=face.weight)
    except fontpkg.FontpkgError as error:
        cause, fix = str(error), "Install the packages of requirements/synth.txt"
        raise UserError(f"font {face.family}", cause, fix) from error
    # Basic layout: Raqm is not in every build of Pillow and would change the images.
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    if family.is_variable:
        font.set_variation_by_axes([_position(face, axis) for axis in font.get_variation_axes()])
    return LoadedFont(font)


def _position(face: Face, axis: Axis) -> float:
    position = {b"Weight": face.weight, b"Width": face.width}.get(axis.get("name", b""))
    return position or axis["default"] or 0
