"""The faces that synthetic lines are set in, from the locked fontpkg packages."""

from dataclasses import dataclass
from functools import cache

import fontpkg
from PIL import ImageFont
from PIL.ImageFont import Axis

from ocr_lib.errors import UserError

SIZES = (20, 28, 38)
"""Pixel sizes that glyphs are drawn at; lines are scaled from the nearest larger one."""


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


@dataclass(frozen=True, slots=True)
class LoadedFont:
    """A face at one size, with the rows (px) that its capitals and descenders fill."""

    font: ImageFont.FreeTypeFont
    top: int
    bottom: int


@cache
def load_font(face: Face, size: int) -> LoadedFont:
    """Opens a face once per process.

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
    _, top, _, bottom = font.getbbox("Ay(")
    return LoadedFont(font, int(top), int(bottom))


def _position(face: Face, axis: Axis) -> float:
    wanted = {b"Weight": face.weight, b"Width": face.width}.get(axis.get("name", b""))
    return wanted or axis["default"] or 0
