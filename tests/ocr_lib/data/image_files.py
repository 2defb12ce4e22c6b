"""Image files put together byte by byte: chunks, segments and EXIF notes as a test needs them."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

# Four corners of different brightness: every orientation shows.
PIXELS = np.repeat(np.repeat(np.uint8([[0, 80, 160], [240, 200, 120]]), 16, 0), 24, 1)
COLOUR = np.stack([PIXELS] * 3, axis=2)


def tiff(value: int, order: str = "<", kind: int = 3) -> bytes:
    """Returns an EXIF structure that notes an orientation, after another entry."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    width = {1: "B3x", 3: "H2x", 4: "I"}[kind]
    entries = [
        struct.pack(f"{order}HHIH2x", 0x0100, 3, 1, 72),
        struct.pack(f"{order}HHI{width}", 0x0112, kind, 1, value),
    ]
    return start + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def exif_segment(content: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + content)


XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")


def jpeg(first: bytes = b"", late: bytes = b"") -> bytes:
    """Returns a JPEG with segments after its start, and before its pixels."""
    data = cv2.imencode(".jpg", COLOUR)[1].tobytes()
    scan = data.index(b"\xff\xda")
    return data[:2] + first + data[2:scan] + late + data[scan:]


def chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png(before: bytes = b"", after: bytes = b"", pixels: np.ndarray = COLOUR) -> bytes:
    """Returns a PNG with chunks before and after its pixels."""
    data = cv2.imencode(".png", pixels)[1].tobytes()
    return data[:33] + before + data[33:-12] + after + data[-12:]


def raw_png(rows: list[bytes], width: int, depth: int, colour: int, before: bytes = b"") -> bytes:
    """Returns a PNG of unfiltered rows, of any bit depth and colour type."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = chunk(b"IHDR", header) + before + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def webp(exif: bytes, lossless: bool = False) -> bytes:
    """Returns a WebP with an EXIF chunk as it is given."""
    file = io.BytesIO()
    Image.fromarray(COLOUR).save(file, "WEBP", lossless=lossless, quality=90)
    height, width = PIXELS.shape
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + canvas
    note = b"EXIF" + struct.pack("<I", len(exif)) + exif + bytes(len(exif) % 2)
    content = b"WEBP" + extended + file.getvalue()[12:] + note
    return b"RIFF" + struct.pack("<I", len(content)) + content


def animated(kind: str, frames: int = 3, **options: object) -> bytes:
    """Returns an animation, or a TIFF of several pages."""
    images = [Image.fromarray(np.roll(COLOUR, 5 * i, axis=1)) for i in range(frames)]
    file = io.BytesIO()
    images[0].save(file, kind, save_all=True, append_images=images[1:], **options)
    return file.getvalue()
