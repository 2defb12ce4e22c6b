"""Walks over segments and chunks: in order, bounded, and quiet where a file ends too soon."""

import pytest

from ocr_lib.data.image_chunks import MAX_CHUNKS, jpeg_segments, png_chunks, webp_chunks
from tests.ocr_lib.data.image_files import chunk, jpeg, png, segment, tiff, webp


def test_segments_come_in_their_order_with_their_content() -> None:
    data = jpeg(segment(0xFE, b"one") + segment(0xE5, b"two"))
    walked = [(marker, data[start:end]) for marker, start, end in jpeg_segments(data)]
    assert walked[:2] == [(0xFE, b"one"), (0xE5, b"two")]
    assert 0xC0 in [marker for marker, _ in walked]


def test_chunks_come_in_their_order() -> None:
    data = png(chunk(b"tEXt", b"a\0b"), chunk(b"eXIf", tiff(1)))
    assert [name for name, _, _ in png_chunks(data)] == [
        b"IHDR",
        b"tEXt",
        b"IDAT",
        b"eXIf",
        b"IEND",
    ]
    names = [name for name, _, _ in webp_chunks(webp(b"odd"))]
    assert (names[0], names[-1]) == (b"VP8X", b"EXIF")


@pytest.mark.parametrize("walk", [jpeg_segments, png_chunks, webp_chunks])
def test_a_file_may_end_anywhere(walk: object) -> None:
    for whole in (jpeg(), png(), webp(tiff(1))):
        for length in range(len(whole)):
            list(walk(whole[:length]))  # type: ignore[operator]


def test_a_walk_is_bounded() -> None:
    many = png()[:8] + bytes(12) * (MAX_CHUNKS * 2)
    assert len(list(png_chunks(many))) == MAX_CHUNKS
    assert len(list(webp_chunks(many))) == MAX_CHUNKS
