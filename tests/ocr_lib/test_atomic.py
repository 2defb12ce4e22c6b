"""Files and folders appear whole or not at all, and nothing temporary stays."""

import json
import os
import stat

import pytest

from ocr_lib.atomic import atomic_directory, atomic_file, write_json, write_text


def test_a_file_is_replaced(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    write_text(tmp_path / "a.txt", "new\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"new\r\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def fail(*_):
    raise RuntimeError


def test_a_failure_keeps_the_old_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a.txt") as file:
        fail(file.write(b"half"))
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_others_may_read_what_the_umask_allows(tmp_path):
    old = os.umask(0o022)
    try:
        write_text(tmp_path / "a.txt", "x")
        with atomic_directory(tmp_path / "d"):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o755


def test_json_refuses_what_is_not_json(tmp_path):
    write_json(tmp_path / "a.json", {"ä": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"ä": 1}


def test_a_directory_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with atomic_directory(tmp_path / "d") as folder:
            (folder / content).touch()
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_a_failure_keeps_the_old_directory(tmp_path):
    with atomic_directory(tmp_path / "d") as folder:
        (folder / "old").touch()
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "d") as folder:
        fail((folder / "new").touch())
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_a_failure_takes_the_folders_along_that_were_made(tmp_path):
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a/b/c.txt") as file:
        fail(file)
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "a/b/c") as folder:
        fail(folder)
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_says_names_the_path(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as error:
        write_text(tmp_path / "folder", "x")
    assert error.value.filename == str(tmp_path / "folder")
    long = tmp_path / ("x" * 300)
    with pytest.raises(OSError, match="too long") as error:
        write_text(long, "x")
    assert error.value.filename == str(long)
    with pytest.raises(FileNotFoundError) as error, atomic_directory(tmp_path / "new") as work:
        (work / "missing" / "file").touch()
    assert error.value.filename == str(tmp_path / "new" / "missing" / "file")
