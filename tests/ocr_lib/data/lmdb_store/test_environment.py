"""Opening LMDB environments: once a file, checked first, opened again after a fork."""

import gc
import os
from contextlib import suppress
from pathlib import Path

import lmdb
import pytest

from ocr_lib.data.lmdb_store.environment import committed_bytes, open_environment
from ocr_lib.errors import LmdbError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, 40)
    return tmp_path


def write(folder: Path, count: int) -> None:
    environment = lmdb.open(str(folder), map_size=1 << 24, lock=False)
    with environment.begin(write=True) as transaction:
        for i in range(count):
            transaction.put(b"%d" % i, bytes(3000))
    environment.close()


def entries(environment: lmdb.Environment) -> int:
    return int(environment.stat()["entries"])


def test_a_file_is_opened_once_in_a_process(folder: Path) -> None:
    first = open_environment(folder)
    assert open_environment(folder) is first
    assert entries(first) == 40
    (folder / "link").symlink_to(folder)
    assert open_environment(folder / "link") is first


def handles(folder: Path) -> int:
    """Returns how often this process has the folder's file open."""
    count = 0
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            count += handle.readlink() == folder / "data.mdb"
    return count


def test_it_closes_with_its_last_reference(folder: Path) -> None:
    environment = open_environment(folder)
    assert handles(folder) == 1
    del environment
    gc.collect()
    assert handles(folder) == 0


def test_a_forked_child_has_its_own(folder: Path) -> None:
    environment = open_environment(folder)
    child = os.fork()
    if child == 0:
        try:
            own = open_environment(folder)
            os._exit(0 if own is not environment and entries(own) == 40 else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert entries(environment) == 40


def test_the_length_is_that_of_the_last_commit(folder: Path) -> None:
    path = folder / "data.mdb"
    assert committed_bytes(path) == path.stat().st_size
    write(folder, 400)
    assert committed_bytes(path) == path.stat().st_size
    os.truncate(path, path.stat().st_size + 4096)  # room for the next commit
    assert committed_bytes(path) == path.stat().st_size - 4096


def test_a_file_cut_short_is_refused(folder: Path) -> None:
    path = folder / "data.mdb"
    whole = path.stat().st_size
    os.truncate(path, whole - 4096)
    for expected in (None, whole):
        with pytest.raises(LmdbError, match=f"cut short: {whole - 4096:,} of {whole:,} bytes"):
            open_environment(folder, expected)


@pytest.mark.parametrize("content", [b"", b"text", bytes(10_000)])
def test_what_is_no_lmdb_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(LmdbError, match=r"not an LMDB 0\.9 file"):
        open_environment(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LmdbError, match=r"data\.mdb: cannot be read \(No such file"):
        open_environment(tmp_path)
