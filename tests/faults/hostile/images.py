"""Encoded images: cut, changed, claiming to be huge, or of other formats."""

import struct
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ocr_lib.data.decode import check_image, decode_image
from ocr_lib.errors import ImageError
from tests.faults.hostile.case import Hostile, constant, cut, flipped
from tests.ocr_lib.data.hostile_images import png_claim, tiff_bomb

NAME = "word.img:7"
KINDS = (".png", ".jpg", ".bmp", ".webp")
OTHERS = {
    "gif": b"GIF89a\x10\0\x10\0\0\0\0;",
    "pnm": b"P5\n6000 4000\n255\n",
    "pfm": b"PF\n10 10\n-1.0\n",
    "hdr": b"#?RADIANCE\n\n-Y 9 +X 9\n",
    "exr": b"v/1\x01\x02\0\0\0",
    "jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "jxl": b"\0\0\0\x0cJXL \r\n\x87\n",
    "avif": b"\0\0\0\x1cftypavif\0\0\0\0",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0",
    "pdf": b"%PDF-1.7\n",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "html": b"<!doctype html><html>404</html>",
    "elf": b"\x7fELF\x02\x01\x01",
    "zip": b"PK\x03\x04",
    "empty": b"",
    "one": b"\0",
    "zeros": bytes(4096),
    "text": "漢字".encode() * 50,
    "pickle": b"\x80\x04cos\nsystem\n.",
    "xml": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
}
SIZES = (0, 1, 4097, 65535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)


@cache
def picture(kind: str) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (24, 60, 3), np.uint8)
    return bytes(cv2.imencode(kind, cv2.blur(pixels, (5, 5)))[1])


def decode(content: bytes, folder: Path) -> tuple[int, int]:
    image = decode_image(content, NAME)
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    return image.shape[1], image.shape[0]


def both(content: bytes, folder: Path) -> tuple[int, int]:
    """Checks as packing does, then decodes: what passes the check has pixels."""
    check_image(content, NAME)
    return decode(content, folder)


def is_small(size: tuple[int, int]) -> bool:
    return size[0] * size[1] <= 1 << 24


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """Returns the picture with a chunk after its header."""
    png = picture(".png")
    return png[:33] + chunk(kind, content) + png[33:]


def cases() -> dict[str, Hostile]:
    found = {
        f"other-{name}": Hostile(constant(c), both, ImageError, NAME) for name, c in OTHERS.items()
    }
    found["other-tiff-bomb"] = Hostile(tiff_bomb, both, ImageError, NAME)
    for kind in KINDS:
        content = picture(kind)
        for name, part in cut(content, 14):
            found[f"{kind[1:]}-{name}"] = Hostile(constant(part), both, ImageError, NAME)
        for name, part in flipped(content, kind, 25):
            found[f"{kind[1:]}-{name}"] = Hostile(constant(part), both, ImageError, NAME, is_small)
    for width in SIZES:
        for height in (1, 65535, 1 << 20):
            claim = constant(png_claim(width, height))
            found[f"png-claims-{width}x{height}"] = Hostile(claim, both, ImageError, NAME)
    for name, size in {"jpg": 65500, "bmp": 1 << 20, "bmp-negative": -(1 << 20)}.items():
        claim = constant(_claims(name.partition("-")[0], size))
        found[f"{name}-claims"] = Hostile(claim, both, ImageError, NAME)
    bomb = zlib.compress(bytes(200 << 20), 9)
    for kind, head in {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}.items():
        content = constant(with_chunk(kind, head + bomb))
        found[f"png-bomb-in-{kind.decode()}"] = Hostile(content, both, ImageError, NAME, is_small)
    return found


def _claims(kind: str, size: int) -> bytes:
    content = bytearray(picture(f".{kind}"))
    if kind == "bmp":
        content[18:26] = struct.pack("<ii", abs(size), size)
    else:
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = struct.pack(">HH", size, size)
    return bytes(content)
