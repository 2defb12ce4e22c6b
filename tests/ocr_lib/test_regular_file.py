"""Files from elsewhere: nothing waits, nothing has no end."""

import os
import tracemalloc
from pathlib import Path

import pytest

from ocr_lib.regular_file import open_regular, read_bounded, read_tail


def test_a_file_is_read_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"12345"
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bounded(tmp_path / "file", 4)


def test_a_small_file_takes_little_memory_whatever_the_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    tracemalloc.start()
    try:
        read_bounded(tmp_path / "file", 256 << 20)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    handles = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("pipe", "link", "zero", "folder"):
        with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
            open_regular(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")
    assert len(list(Path("/proc/self/fd").iterdir())) == handles


def test_the_end_of_a_file_is_read_without_the_rest(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"0123456789")
    with (tmp_path / "log").open("rb") as file:
        assert read_tail(file, 3) == b"789"
        assert read_tail(file, 30) == b"0123456789"
