"""What describes the members of an archive is read within bounds."""

import io
import lzma
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from ocr_lib.data import archive_reader
from ocr_lib.data.archive import is_archive, open_source
from ocr_lib.data.archive_reader import BoundedReader, open_tar, open_zip
from ocr_lib.errors import DataError
from tests.ocr_lib.data.archives import make_tar, make_zip, tar_header

END = bytes(1024)


class Unread(io.BytesIO):
    """A file that remembers the largest piece that was asked for."""

    largest = 0

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.largest = max(self.largest, len(content))
        return content


def test_no_more_is_read_than_was_allowed() -> None:
    file = Unread(b"x" * 1000)
    reader = BoundedReader(file, "set.tar", "the header")
    reader.allow(100)
    assert reader.read(60) == b"x" * 60
    with pytest.raises(DataError, match=r"^set.tar: the header has more than 100 bytes"):
        reader.read(41)
    assert file.largest == 60
    reader.allow(10)
    with pytest.raises(DataError, match="more than 10 bytes"):
        reader.read()
    reader.allow(1000)
    reader.seek(995)
    assert (reader.read(), reader.last, reader.tell()) == (b"x" * 5, b"x" * 5, 1000)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
@pytest.mark.parametrize("size", [1 << 40, 200 << 10, -512])
def test_a_header_as_large_as_a_film_is_not_read(tmp_path: Path, kind: bytes, size: int) -> None:
    path = tmp_path / "set.tar"
    path.write_bytes(tar_header(b"long", size, kind) + bytes(300 << 10) + END)
    assert is_archive(path)
    with pytest.raises(DataError, match=r"header of a member has more than|damaged or unsafe"):
        open_source(path, tmp_path / "work")


def test_headers_upon_headers_are_no_traceback(tmp_path: Path) -> None:
    chained = (tar_header(b"long", 5, b"L") + b"name\0".ljust(512, b"\0")) * 3000
    path = tmp_path / "set.tar"
    path.write_bytes(make_tar(tmp_path / "x", {"a": b"1"}).read_bytes()[:1024] + chained + END)
    with pytest.raises(DataError, match=r"header of a member has more than 131,072 bytes"):
        open_source(path, tmp_path / "work")


def test_values_for_all_members_are_few(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for i in range(3):
            header = tarfile.TarInfo.create_pax_global_header(
                {f"key.{i}.{n}": "value" for n in range(50)}
            )
            assert tar.fileobj is not None
            tar.fileobj.write(header)
            tar.addfile(tarfile.TarInfo(f"{i}.txt"), io.BytesIO())
    with pytest.raises(DataError, match="more than 100 global headers"):
        open_source(tmp_path / "set.tar", tmp_path / "work")


@pytest.mark.parametrize("how", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_of_every_compression_is_opened(tmp_path: Path, how: str) -> None:
    with open_tar(make_tar(tmp_path / "set", {"a": b"1"}, how)) as (tar, _, _):
        assert tar.next() is not None


def test_an_xz_of_several_streams_is_one_tar(tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "set.tar", {"a": bytes(5000), "b": b"2"}).read_bytes()
    parts = lzma.compress(tar[:3000]), lzma.compress(tar[3000:])
    (tmp_path / "set.tar.xz").write_bytes(parts[0] + bytes(8) + parts[1])
    folder = open_source(tmp_path / "set.tar.xz", tmp_path / "work")
    assert (folder / "a").read_bytes() == bytes(5000)
    (tmp_path / "cut.tar.xz").write_bytes(parts[0][:-20])
    with pytest.raises(DataError, match=r"neither a folder|damaged or unsafe"):
        open_source(tmp_path / "cut.tar.xz", tmp_path / "work")


def test_an_xz_gets_no_more_memory_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_tar(tmp_path / "set.tar.xz", {"a": b"1"}, "w:xz")
    assert (open_source(archive, tmp_path / "work") / "a").exists()
    monkeypatch.setattr(archive_reader, "XZ_MEMORY_BYTES", 1 << 20)
    assert not is_archive(archive)


def test_the_directory_of_a_zip_is_bounded_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_zip(tmp_path / "set.zip", {f"{i:09d}.txt": b"" for i in range(2000)})
    with open_zip(archive) as (packed, _):
        assert len(packed.infolist()) == 2000
    monkeypatch.setattr(archive_reader, "DIRECTORY_BYTES", 100_000)
    with pytest.raises(DataError, match="the directory of the zip has more than 100,000 bytes"):
        open_source(archive, tmp_path / "work")


def test_a_directory_that_claims_to_be_huge_is_damage(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "set.zip", {"a": b"1"})
    content = bytearray(archive.read_bytes())
    struct.pack_into("<I", content, len(content) - 10, 0xFFFFFF00)
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged or unsafe|more than"):
        open_source(archive, tmp_path / "work")


def test_methods_that_take_unknown_memory_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a.txt", b"1")
    with pytest.raises(DataError, match="compressed by a method of few programs"):
        open_source(tmp_path / "set.zip", tmp_path / "work")
