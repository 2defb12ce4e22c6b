"""What the data sets share: bounded reads, rows of a table, keys of images."""

import os
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.base import READ_BYTES, SAMPLE, checksums_of, probe, read_file, sizes_of
from tests.ocr_lib.data.lines import image


@pytest.mark.parametrize("size", [0, 1, READ_BYTES, READ_BYTES + 1, 3 * READ_BYTES])
def test_a_file_is_read_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    assert read_file(str(path)) == path.read_bytes()


def test_of_a_longer_file_one_byte_more_than_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * READ_BYTES))
    assert len(read_file(str(path), 2 * READ_BYTES)) == 2 * READ_BYTES + 1


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(str(tmp_path / "none"))


def test_a_row_has_checksum_length_size_and_line() -> None:
    data = image(1, width=37, height=21)
    assert probe(data, 9) == (crc32(data), len(data), 37, 21, 9)
    assert probe(b"text", 2) == (crc32(b"text"), 4, 0, 0, 2)


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=20))
def test_keys_are_equal_exactly_where_contents_are(contents: list[bytes]) -> None:
    table = np.array([probe(content, i) for i, content in enumerate(contents)], SAMPLE)
    keys = checksums_of(table)
    assert keys.dtype == np.uint64
    for one, key in zip(contents, keys.tolist(), strict=True):
        same = [one == other for other in contents]
        assert same == [key == other for other in keys.tolist()]


def test_sizes_are_width_and_height() -> None:
    table = np.array([probe(image(0, 37, 21), 1), probe(b"?", 2)], SAMPLE)
    assert sizes_of(table).tolist() == [[37, 21], [0, 0]]
    assert sizes_of(table).dtype == np.int32
