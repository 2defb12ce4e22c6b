"""Sizes read from headers equal those of decoded images."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocr_lib.data.image import decode_image
from ocr_lib.data.image_chunks import MAX_FILL, MAX_SEGMENTS
from ocr_lib.data.image_header import ACCEPTED, MAX_PAGES, frame_count, image_format, image_size
from ocr_lib.errors import ImageError, ImageFormatError
from tests.ocr_lib.data.image_files import animated, png

SAMPLE = np.arange(31 * 17 * 3, dtype=np.uint8).reshape(17, 31, 3)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp"])
def test_size_of_what_opencv_writes(kind: str) -> None:
    assert image_size(cv2.imencode(kind, SAMPLE)[1].tobytes()) == (31, 17)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True, "icc_profile": b"x" * 70_000, "comment": b"hello"}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 80}),
        ("WEBP", {"quality": 80, "exif": b"Exif\0\0MM"}),
    ],
)
def test_size_of_what_pillow_writes(kind: str, options: dict[str, object]) -> None:
    file = io.BytesIO()
    Image.fromarray(SAMPLE).save(file, kind, **options)
    assert image_size(file.getvalue()) == (31, 17)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured_as_the_decoder_does(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(SAMPLE).save(file, "JPEG", exif=exif)
    data = file.getvalue()
    assert image_size(data) == decode_image(data).shape[1::-1]


def jpeg(between: bytes = b"") -> bytes:
    """Returns a JPEG with other bytes between its start and its first segment."""
    data = cv2.imencode(".jpg", SAMPLE)[1].tobytes()
    return data[:2] + between + data[2:]


@pytest.mark.parametrize(
    "between", [b"\xff" * 99, b"\xff\x00\xff\xff\x00stray", b"\xff\xd0\xff\x01"]
)
def test_stray_bytes_are_passed_over_as_the_decoder_does(between: bytes) -> None:
    data = b"\xff\xd8\xff\xfe\0\x02" + jpeg(between)[2:]
    assert image_size(data) == decode_image(data).shape[1::-1] == (31, 17)


def test_a_large_colour_profile_may_come_first() -> None:
    segments = b"\xff\xe2\xff\xff" + bytes(0xFFFD)
    assert image_size(jpeg(segments * 40)) == (31, 17)  # 2.6 MB


def test_the_search_for_a_jpegs_size_is_bounded() -> None:
    assert image_size(jpeg(b"\xff" * MAX_FILL)) is None
    assert image_size(jpeg(b"\xff\xfe" + bytes(MAX_FILL))) is None
    gaps = (b"\xff\xfe\0\x02" + bytes(MAX_FILL // 3)) * 4  # each of them is short enough
    assert image_size(jpeg(gaps[: len(gaps) // 2])) == (31, 17)
    assert image_size(jpeg(gaps)) is None
    assert image_size(jpeg(b"\xff\xfe\0\x02" * MAX_SEGMENTS)) is None
    assert image_size(b"\xff\xd8" + b"\xff" * (32 << 20)) is None


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        *[(kind, f".{kind.lower()}") for kind in ACCEPTED],
        *(("TIFF", ".tif"), ("GIF", ".gif"), ("JPEG 2000", ".jp2"), ("PNM", ".ppm")),
        *(("PNM", ".pbm"), ("PFM", ".pfm"), ("Radiance HDR", ".hdr"), ("Sun raster", ".ras")),
    ],
)
def test_the_format_of_what_opencv_writes_is_named(kind: str, suffix: str) -> None:
    pixels = np.tile(SAMPLE, (4, 4, 1))
    pixels = pixels[..., 0] if suffix == ".pbm" else pixels
    pixels = pixels.astype(np.float32) if suffix in (".pfm", ".hdr") else pixels
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    assert image_format(data) == kind
    if kind in ACCEPTED:
        assert decode_image(data).shape == (68, 124, 3)
    else:
        assert image_size(data) is None
        with pytest.raises(ImageFormatError, match=rf"^a\.x: {kind} is not accepted: convert"):
            decode_image(data, "a.x")


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("TIFF", b"MM\0*\0\0\0\x08"),
        ("TIFF", b"II+\0"),
        ("AVIF", b"\0\0\0\x20ftypavif\0\0"),
        ("HEIF", b"\0\0\0\x18ftypheic"),
        ("JPEG XL", b"\xff\x0a\xfa"),
        ("OpenEXR", b"v/1\x01\x02"),
        ("PDF", b"%PDF-1.7"),
        (None, b"\xff\xd8"),
        (None, b"word_1.jpg"),
        (None, b""),
    ],
)
def test_a_format_is_known_by_its_first_bytes(kind: str | None, start: bytes) -> None:
    assert image_format(start) == kind


@given(st.sampled_from([".jpg", ".png", ".bmp", ".webp"]), st.data())
def test_what_is_decoded_has_the_size_of_its_header(kind: str, data: st.DataObject) -> None:
    image = bytearray(cv2.imencode(kind, SAMPLE)[1].tobytes())
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(st.integers(0, min(len(image) - 1, 64)))] = data.draw(st.integers(0, 255))
    cut = bytes(image[: data.draw(st.integers(0, len(image)))])
    claimed = image_size(cut)
    try:
        decoded = decode_image(cut)
    except ImageError:
        return
    assert decoded.shape[1::-1] == claimed


@given(st.binary(max_size=64))
def test_noise_has_no_size_or_a_positive_one(data: bytes) -> None:
    for start in (b"", b"BM", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"):
        size = image_size(start + data)
        assert size is None or min(size) > 0


def test_frames_and_pages_are_counted() -> None:
    assert [frame_count(animated(kind, 4)) for kind in ("PNG", "WEBP", "TIFF")] == [4, 4, 4]
    assert [frame_count(animated(kind, 1)) for kind in ("PNG", "WEBP", "TIFF")] == [1, 1, 1]
    assert frame_count(png()) == frame_count(b"MM\0*\0\0\0\x08") == 1
    loop = b"II*\0\x08\0\0\0" + b"\0\0\x08\0\0\0"  # its next page is itself
    assert frame_count(loop) == MAX_PAGES
