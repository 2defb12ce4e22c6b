import io
import os
import tarfile
import zipfile

import pytest

from ocr_lib.data.archive import Caps, is_archive, open_source
from ocr_lib.errors import DataError

FILES = {"gt.txt": b'a.jpg, "A"\n', "images/a.jpg": b"\xff\xd8"}


def make_tar(path, files, how="w", **fields):
    with tarfile.open(path, how) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(content))
    return path


def make_zip(path, files, external_attr=0):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = external_attr
            packed.writestr(member, content)
    return path


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("set.tar", make_tar),
        ("set.tar.gz", lambda path, files: make_tar(path, files, "w:gz")),
        ("set.tgz", lambda path, files: make_tar(path, files, "w:xz")),
        ("set.zip", make_zip),
    ],
)
def test_archives_become_folders(tmp_path, name, make):
    archive = make(tmp_path / name, FILES)
    assert is_archive(archive)
    folder = open_source(archive, tmp_path / "work")
    assert content(folder) == FILES
    assert folder.parent == tmp_path / "work"


def test_a_folder_is_returned_as_it_is(tmp_path):
    assert open_source(tmp_path, tmp_path / "work") == tmp_path
    assert not (tmp_path / "work").exists()


def test_the_same_content_is_unpacked_once(tmp_path):
    archive = make_tar(tmp_path / "set.tar", FILES)
    folder = open_source(archive, tmp_path / "work")
    (folder / "kept").touch()
    assert open_source(archive, tmp_path / "work") == folder
    assert (folder / "kept").exists()
    make_tar(archive, {"gt.txt": b"other"})
    assert open_source(archive, tmp_path / "work") != folder


@pytest.mark.parametrize("extra", [{}, {"__MACOSX/x": b"", "._set": b""}])
def test_a_single_folder_inside_is_the_data_set(tmp_path, extra):
    files = {f"train/{name}": data for name, data in FILES.items()} | extra
    folder = open_source(make_zip(tmp_path / "set.zip", files), tmp_path / "work")
    assert folder.name == "train"
    assert content(folder) == FILES


@pytest.mark.parametrize("name", ["../gt.txt", "/tmp/gt.txt", "a/../../gt.txt", "a\\..\\gt.txt"])
@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_paths_that_leave_the_folder_are_refused(tmp_path, make, name):
    archive = make(tmp_path / "set", {"good.txt": b"", name: b"evil"})
    with pytest.raises(DataError, match="leaves the folder"):
        open_source(archive, tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("kind", "target"), [(tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "gt.txt"),
                         (tarfile.FIFOTYPE, ""), (tarfile.CHRTYPE, "")],
)  # fmt: skip
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind, target):
    archive = make_tar(tmp_path / "set.tar", {"link": b""}, type=kind, linkname=target)
    with pytest.raises(DataError, match="a link or a device"):
        open_source(archive, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_links_in_a_zip_are_refused(tmp_path):
    archive = make_zip(tmp_path / "set.zip", {"link": b"/etc/passwd"}, 0o120777 << 16)
    with pytest.raises(DataError, match="a link or a device"):
        open_source(archive, tmp_path / "work")


@pytest.mark.parametrize(
    ("caps", "message"),
    [
        (Caps(members=1), "more than 1 members"),
        (Caps(file_bytes=4), "more than the 4 allowed"),
        (Caps(total_bytes=12), "more bytes than are allowed"),
    ],
)
@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_caps(tmp_path, make, caps, message):
    archive = make(tmp_path / "set", FILES)
    with pytest.raises(DataError, match=message):
        open_source(archive, tmp_path / "work", caps)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("name", ["set.tar.gz", "set.zip"])
def test_damage_is_named_and_leaves_nothing(tmp_path, name):
    make = make_zip if name.endswith("zip") else lambda p, f: make_tar(p, f, "w:gz")
    archive = make(tmp_path / name, {"a.bin": bytes(range(256)) * 400})
    data = bytearray(archive.read_bytes())
    data[len(data) // 3] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(DataError, match="damaged or unsafe"):
        open_source(archive, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_a_damaged_header_is_no_end_of_the_archive(tmp_path):
    archive = make_tar(tmp_path / "set.tar", {f"{i}.txt": b"content" for i in range(9)})
    data = bytearray(archive.read_bytes())
    data[5 * 1024 + 20] ^= 0xFF  # in the sixth header: a header and a block of content each
    archive.write_bytes(data)
    with pytest.raises(DataError, match="no member header at byte 5120"):
        open_source(archive, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_what_is_no_data_set(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert not is_archive(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="neither a folder nor a tar or zip"):
        open_source(tmp_path / "notes.txt", tmp_path / "work")
    with pytest.raises(DataError, match="no such file"):
        open_source(tmp_path / "absent.tar", tmp_path / "work")


def test_modes_and_owners_of_a_tar_do_not_matter(tmp_path):
    path = make_tar(tmp_path / "modes.tar", FILES, mode=0o4000, uid=12345)
    found = (open_source(path, tmp_path / "work") / "images" / "a.jpg").stat()
    assert found.st_mode & 0o7400 == 0o400
    assert found.st_uid == os.getuid()
