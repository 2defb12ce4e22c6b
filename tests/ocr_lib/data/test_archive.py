import os
import tarfile

import pytest

from ocr_lib.data.archive import Caps, is_archive, open_source
from ocr_lib.errors import ConfigError, DataError
from tests.ocr_lib.data.archives import make_raw_zip, make_tar, make_zip

FILES = {"gt.txt": b'a.jpg, "A"\n', "images/a.jpg": b"\xff\xd8"}


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


@pytest.mark.parametrize("how", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_zip_inside_a_tar_does_not_replace_it(tmp_path, how):
    inner = make_zip(tmp_path / "inner.zip", {"only.txt": b"x"}).read_bytes()
    archive = make_tar(tmp_path / "set.tar", FILES | {"inner.zip": inner}, how)
    assert content(open_source(archive, tmp_path / "work")) == FILES | {"inner.zip": inner}


def test_a_second_zip_behind_the_first_is_named(tmp_path):
    first, second = (make_zip(tmp_path / f"{i}.zip", FILES).read_bytes() for i in (1, 2))
    (tmp_path / "both.zip").write_bytes(first + second)
    with pytest.raises(DataError, match="bytes before the first member"):
        open_source(tmp_path / "both.zip", tmp_path / "work")


@pytest.mark.parametrize("make", [make_tar, make_zip])
@pytest.mark.parametrize(
    ("names", "cause"),
    [
        (["a", "a/b"], "a folder of this path is a file|a second member of this name"),
        (["a/b", "a"], "a second member of this name|a folder has this name"),
        (["x" * 300], "a name that is too long"),
        (["y/" * 20 + "é" * 200], "a name that is too long"),
        (["."], "no file name"),
        (["a/."], "no file name"),
        (["b", "b"], "a second member of this name"),
        (["a/b", "a\\b"], "a second member of this name"),
        (["d/" * 65 + "x"], "more than 64 folders"),
        (["C:\\images\\a.png"], "leaves the folder"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_wrong_with_a_name_is_said(tmp_path, make, names, cause):
    class Named(dict):  # items() may repeat a name
        def items(self):
            return [(name, b"1") for name in names]

    archive = make(tmp_path / "set", Named())
    with pytest.raises(DataError, match=cause) as caught:
        open_source(archive, tmp_path / "work")
    assert f"{archive}: {names[-1]!r}" == caught.value.where
    assert not (tmp_path / "work").exists()


def test_backslashes_separate_folders(tmp_path):
    files = {"set\\w0.png": b"0", "set\\deep\\w1.png": b"1", "set\\empty\\": b"", "gt.txt": b"t"}
    folder = open_source(make_zip(tmp_path / "windows.zip", files), tmp_path / "work")
    assert content(folder) == {"set/w0.png": b"0", "set/deep/w1.png": b"1", "gt.txt": b"t"}
    assert (folder / "set/empty").is_dir()


@pytest.mark.parametrize(
    ("encoding", "name"), [("gbk", "图片/第一张.png"), ("cp932", "画像/ひらがな表.png")]
)
def test_names_in_a_code_page_are_read_and_that_is_logged(tmp_path, caplog, encoding, name):
    raw = {name.encode(encoding): b"1", b"a.png": b"2"}
    folder = open_source(make_raw_zip(tmp_path / "old.zip", raw), tmp_path / "work")
    assert content(folder) == {name: b"1", "a.png": b"2"}
    assert sorted(path.name for path in folder.iterdir()) == sorted(["a.png", name[:2]])
    assert (
        f"1 names are not UTF-8, they are read as {'gb18030' if encoding == 'gbk' else encoding}"
        in caplog.text
    )


def test_the_code_page_can_be_named(tmp_path):
    archive = make_raw_zip(tmp_path / "old.zip", {"Łódź.png".encode("cp852"): b"1"})
    folder = open_source(archive, tmp_path / "work", names_encoding="cp852")
    assert content(folder) == {"Łódź.png": b"1"}
    with pytest.raises(DataError, match="the name is not ascii"):
        open_source(archive, tmp_path / "work", names_encoding="ascii")
    for name in ("cp999", "hex"):
        with pytest.raises(ConfigError, match="is no code page"):
            open_source(archive, tmp_path / "work", names_encoding=name)


def test_a_code_page_that_is_named_holds_for_names_that_are_utf8_by_chance(tmp_path):
    archive = make_raw_zip(tmp_path / "old.zip", {"图片.png".encode("gbk"): b"1"})
    assert content(open_source(archive, tmp_path / "work")) == {"ͼƬ.png": b"1"}
    folder = open_source(archive, tmp_path / "work", names_encoding="gbk")
    assert content(folder) == {"图片.png": b"1"}


def test_a_tar_has_names_in_a_code_page_too(tmp_path):
    name = "图片/第一张.png".encode("gbk").decode("utf-8", "surrogateescape")
    folder = open_source(make_tar(tmp_path / "old.tar", {name: b"1"}), tmp_path / "work")
    assert content(folder.parent) == {f"{folder.name}/第一张.png": b"1"}


def test_utf8_without_a_flag_is_utf8(tmp_path, caplog):
    archive = make_raw_zip(tmp_path / "mac.zip", {"Übung/é.png".encode(): b"1", b"plain.txt": b""})
    assert "Übung/é.png" in content(open_source(archive, tmp_path / "work"))
    assert not caplog.text


@pytest.mark.parametrize("cut", [1024, 2048])
def test_a_tar_that_was_cut_between_members_is_no_whole_one(tmp_path, cut):
    archive = make_tar(tmp_path / "set.tar", {f"{i}.txt": b"content" for i in range(9)})
    os.truncate(archive, cut)
    with pytest.raises(DataError, match=f"cut short at byte {cut}"):
        open_source(archive, tmp_path / "work")


def test_a_pipe_is_no_archive(tmp_path):
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(DataError, match="neither a folder nor a tar or zip"):
        open_source(tmp_path / "pipe.tar", tmp_path / "work")
