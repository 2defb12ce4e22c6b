"""Opening LMDB environments: once a file, checked first, opened again after a fork."""

import gc
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import lmdb
import pytest

from ocr_lib.data.lmdb_store import LmdbDataset, pack
from ocr_lib.data.lmdb_store.environment import committed_bytes, open_environment
from ocr_lib.data.lmdb_store.page_check import check_pages
from ocr_lib.data.lmdb_store.plain import PlainLmdb
from ocr_lib.errors import LmdbError
from ocr_lib.workers import worker_pool
from tests.ocr_lib.data.lines import texts, write_lines
from tests.ocr_lib.data.opened import write_plain


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


def age(folder: Path, seconds: float) -> None:
    changed = time.time() - seconds
    os.utime(folder / "data.mdb", (changed, changed))


def spoil(path: Path, text: bytes = b"") -> None:
    """Zeroes the pages that hold a text, behind the first two; size and time of change stay."""
    status, content = path.stat(), path.read_bytes()
    spoilt = bytearray(content)
    for page in range(8192, len(content), 4096):
        if text in content[page : page + 4096]:
            spoilt[page : page + 4096] = bytes(4096)
    assert spoilt != content
    path.write_bytes(spoilt)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", ["none", "young", "newer"])
def test_pages_are_checked_once_unless_the_file_changed(folder: Path, change: str) -> None:
    age(folder, 0 if change == "young" else 60)
    open_environment(folder)
    gc.collect()
    spoil(folder / "data.mdb")
    if change == "newer":
        age(folder, 30)
    if change == "none":
        open_environment(folder)  # LMDB itself reads its first pages only
        return
    with pytest.raises(LmdbError, match=r"page \d+ is damaged"):
        open_environment(folder)


def first_label(pickled: bytes) -> str:
    return str(pickle.loads(pickled).sample(0).label)


@pytest.mark.parametrize("packed", [False, True])
def test_a_worker_does_not_check_again(tmp_path: Path, packed: bool) -> None:
    label = texts(1)[0]
    folder = tmp_path / "out/shard-00000"
    if packed:
        pack(write_lines(tmp_path, texts(200)), tmp_path, tmp_path / "out")
    else:
        write_plain(folder, texts(200))
    age(folder, 60)
    dataset = LmdbDataset(tmp_path / "out") if packed else PlainLmdb(folder)
    assert dataset.sample(0).label == label
    pickled = pickle.dumps(dataset)
    spoil(folder / "data.mdb", b"image-000000100")
    with worker_pool(1) as pool:
        assert pool.submit(first_label, pickled).result() == label
    age(folder, 30)
    with worker_pool(1) as pool, pytest.raises(LmdbError, match="is damaged"):
        pool.submit(first_label, pickled).result()


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


def test_a_file_whose_storage_stands_still_holds_up_no_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages are not read to the end; who asks for the same file gives up after a while."""
    standing, healthy = tmp_path / "standing", tmp_path / "healthy"
    for folder in (standing, healthy):
        folder.mkdir()
        write(folder, 4)
    begun, goes_on = threading.Event(), threading.Event()
    inode = (standing / "data.mdb").stat().st_ino

    def read_pages(file: int, meta: Any) -> None:
        if os.fstat(file).st_ino == inode:
            begun.set()
            assert goes_on.wait(60)
        check_pages(file, meta)

    monkeypatch.setattr("ocr_lib.data.lmdb_store.environment.check_pages", read_pages)
    monkeypatch.setattr("ocr_lib.data.lmdb_store.environment.OPEN_TIMEOUT_S", 0.01)
    with ThreadPoolExecutor(2) as threads:
        late = threads.submit(open_environment, standing)
        try:
            assert begun.wait(60)
            assert entries(threads.submit(open_environment, healthy).result(60)) == 4
            again = threads.submit(open_environment, standing)
            with pytest.raises(LmdbError, match="another thread has been opening it for 0 s"):
                again.result(60)
        finally:
            goes_on.set()
        assert entries(late.result(60)) == 4
