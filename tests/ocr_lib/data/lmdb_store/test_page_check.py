"""Damaged pages are an error before LMDB meets them, and never the end of the process."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from ocr_lib.data.lmdb_store.page_check import PageError, check_pages, read_meta
from ocr_lib.data.lmdb_store.plain import PlainLmdb
from ocr_lib.errors import LmdbError
from tests.ocr_lib.data.lines import image, texts
from tests.ocr_lib.data.opened import write_plain

PAGE = 4096
FLIPS = 150
# Opens and reads many damaged copies of one file; what a signal ends, has no result.
READER = """
import random, struct, sys
from pathlib import Path
from ocr_lib.data.lmdb_store.plain import PlainLmdb
from ocr_lib.errors import LmdbError

source, folder, flips = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
whole, rng, refused = source.read_bytes(), random.Random(5), 0
leaves = [at for at in range(8192, len(whole), 4096) if whole[at + 10 : at + 12] == b"\\2\\0"]
for i in range(flips):
    content = bytearray(whole)
    if i % 3 == 0:  # in the head of a record of a leaf
        leaf = rng.choice(leaves)
        count = struct.unpack_from("<H", whole, leaf + 12)[0] - 16 >> 1
        record = struct.unpack_from("<H", whole, leaf + 16 + 2 * rng.randrange(count))[0]
        content[leaf + record + rng.choice((2, 3, 4, 7))] ^= rng.choice((1, 255))
    for _ in range(rng.choice((1, 1, 8, 64))):
        page = rng.randrange(len(content) // 4096) * 4096
        content[page + rng.randrange(rng.choice((32, 200, 4096)))] = rng.randrange(256)
    copy = folder / str(i)
    copy.mkdir()
    (copy / "data.mdb").write_bytes(content)
    try:
        dataset = PlainLmdb(copy)
        for n in range(min(len(dataset), 300)):
            dataset.fault(n)
        list(dataset.labels())
    except LmdbError:
        refused += 1
print(refused)
"""


def check(path: Path) -> None:
    with path.open("rb") as file:
        check_pages(file.fileno(), read_meta(file.fileno()))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    write_plain(tmp_path / "plain", texts(200))
    return tmp_path / "plain/data.mdb"


def pages_of(path: Path, flag: int) -> list[int]:
    """Returns the offsets of the pages with a flag."""
    content = path.read_bytes()
    return [
        offset
        for offset in range(2 * PAGE, len(content), PAGE)
        if struct.unpack_from("<H", content, offset + 10)[0] == flag
    ]


def test_whole_files_pass(plain: Path, tmp_path: Path) -> None:
    check(plain)
    assert pages_of(plain, 1)
    assert pages_of(plain, 2)
    environment = lmdb.open(str(tmp_path / "empty"))
    environment.close()
    check(tmp_path / "empty/data.mdb")


@pytest.mark.parametrize(
    ("flag", "offset", "value", "cause"),
    [
        (2, 10, b"\4\0", "its header is no page's of records"),
        (2, 12, b"\0\0", "its header is no page's of records"),
        (2, 14, b"\xff\xff", "its header is no page's of records"),
        (2, 16, b"\xfe\x0f", "a record is outside of it"),
        (2, 16, b"\x11\x0b", "a record is outside of it"),
        (1, 16, b"\xff\xff", "a record is outside of it"),
    ],
)
def test_a_page_that_leads_out_of_itself_is_named(
    plain: Path, flag: int, offset: int, value: bytes, cause: str
) -> None:
    page = pages_of(plain, flag)[0]
    content = bytearray(plain.read_bytes())
    content[page + offset : page + offset + len(value)] = value
    plain.write_bytes(content)
    with pytest.raises(PageError, match=f"page {page // PAGE} is damaged: {cause}"):
        check(plain)
    with pytest.raises(LmdbError, match=cause):
        PlainLmdb(plain.parent)


def node(content: bytearray, page: int, index: int = 0) -> int:
    """Returns the offset of a record of a page."""
    return page + int(struct.unpack_from("<H", content, page + 16 + 2 * index)[0])


def test_a_branch_must_lead_to_a_page_of_the_file(plain: Path) -> None:
    content = bytearray(plain.read_bytes())
    at = node(content, pages_of(plain, 1)[0])
    struct.pack_into("<I", content, at, 1 << 20)
    plain.write_bytes(content)
    with pytest.raises(PageError, match="page 1048576 is outside of the file"):
        check(plain)


def test_pages_in_a_circle_end(plain: Path) -> None:
    content = bytearray(plain.read_bytes())
    branch = pages_of(plain, 1)[0]
    struct.pack_into("<I", content, node(content, branch), branch // PAGE)
    plain.write_bytes(content)
    with pytest.raises(PageError, match="its pages go in a circle"):
        check(plain)


@pytest.mark.parametrize(("field", "value"), [(0, 0xFFFF), (2, 0x7FFF), (4, 2), (6, 0x7FFF)])
def test_a_value_must_be_in_the_file(plain: Path, field: int, value: int) -> None:
    content = bytearray(plain.read_bytes())
    at = node(content, pages_of(plain, 2)[0])
    struct.pack_into("<H", content, at + field, value)
    plain.write_bytes(content)
    with pytest.raises(PageError, match=r"is outside of|is no plain value"):
        check(plain)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(40, 0), (40, 3), (40, 1 << 31), (16, 7), (10, 2), (92, 4), (120, 3), (128, 1 << 40)],
)
def test_first_pages_that_are_damaged_are_refused(plain: Path, offset: int, value: int) -> None:
    content = bytearray(plain.read_bytes())
    for page in (0, PAGE):
        kind = "<H" if offset in (10, 92) else "<Q" if offset >= 120 else "<I"
        struct.pack_into(kind, content, page + offset, value)
    plain.write_bytes(content)
    with pytest.raises(PageError):
        check(plain)


def test_flipped_bytes_never_end_the_process(tmp_path: Path) -> None:
    environment = lmdb.open(str(tmp_path / "large"), map_size=1 << 24)
    with environment.begin(write=True) as transaction:
        for i in range(1, 61):  # images that have pages of their own
            transaction.put(b"image-%09d" % i, image(i, width=900) + bytes(9000))
            transaction.put(b"label-%09d" % i, b"text")
        transaction.put(b"num-samples", b"60")
    environment.close()
    (tmp_path / "copies").mkdir()
    paths = str(tmp_path / "large/data.mdb"), str(tmp_path / "copies")
    command = [sys.executable, "-c", READER, *paths, str(FLIPS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert 0 < int(ended.stdout) <= FLIPS
    shutil.rmtree(tmp_path / "copies")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.mdb")
    with pytest.raises(LmdbError, match="not a regular file"):
        PlainLmdb(tmp_path)
