"""Small files that decode to large pictures, byte by byte."""

import struct
import zlib


def tiff_bomb(side: int = 9000) -> bytes:
    """Returns a TIFF of `side` x `side` white pixels in the fax coding G4: a bit for each row."""
    rows = b"\xff" * -(-side // 8) + b"\x00\x10\x01"  # "as the row above" each, end of block
    entries = (
        (256, 4, side),  # width
        (257, 4, side),  # height
        (258, 3, 1),  # bits a pixel
        (259, 3, 4),  # G4
        (262, 3, 0),  # 0 is white
        (273, 4, 8),  # where the rows are
        (277, 3, 1),  # channels
        (278, 4, side),  # rows of the only strip
        (279, 4, len(rows)),
    )
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack("<HHII", tag, kind, 1, value)
    rows += bytes(len(rows) % 2)
    return struct.pack("<2sHI", b"II", 42, 8 + len(rows)) + rows + directory + bytes(4)


def png_claim(width: int, height: int) -> bytes:
    """Returns a PNG whose header claims a size, with next to no pixels behind it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
