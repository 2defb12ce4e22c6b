import os
import tarfile
from pathlib import Path

from ocr_lib.digest import sha256_file
from ocr_lib.storage.store import Store
from pipelines.demo.sources import archive, upload
from tests.components.line_images import write_icdar


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    folder = write_icdar(tmp_path / "lines")
    first = archive(folder, tmp_path / "a" / "lines.tar").read_bytes()
    os.utime(folder / "gt.txt", (0, 0))
    assert archive(folder, tmp_path / "b" / "lines.tar").read_bytes() == first


def test_an_archive_holds_every_file_below_the_folder(tmp_path: Path) -> None:
    folder = write_icdar(tmp_path / "lines")
    (folder / "deep").mkdir()
    (folder / "deep" / "x.png").write_bytes(b"x")
    (folder / "link.png").symlink_to(folder / "word_1.png")  # becomes the file it leads to
    with tarfile.open(archive(folder, tmp_path / "lines.tar")) as tar:
        assert {"gt.txt", "word_1.png", "deep/x.png", "link.png"} <= set(tar.getnames())
        assert all(member.isreg() for member in tar)


def test_what_is_uploaded_is_named_by_its_digest(store: Store, tmp_path: Path) -> None:
    folder = write_icdar(tmp_path / "lines")
    first = upload(folder, store, tmp_path)
    assert first == upload(folder, store, tmp_path)
    assert first.sha256 in first.uri
    assert sha256_file(store.get_file(first.uri, tmp_path / "back.tar")) == first.sha256
