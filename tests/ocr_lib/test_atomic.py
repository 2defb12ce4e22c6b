"""Files and folders appear whole or not at all, and nothing temporary stays."""

import errno
import itertools
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ocr_lib import atomic
from ocr_lib.atomic import (
    atomic_directory,
    atomic_file,
    is_temporary,
    recover,
    recover_all,
    write_json,
    write_text,
)
from tests.killed import Killed


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


def write_directory(path: Path, content: str) -> None:
    with atomic_directory(path) as work:
        (work / "sub").mkdir()
        for name in ("one", "sub/two"):
            (work / name).write_text(content)


def content_of(path: Path) -> set[str]:
    return {(path / name).read_text() for name in ("one", "sub/two")}


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_kill_at_any_call_leaves_the_old_or_the_new_directory(
    memory_path, monkeypatch, can_exchange, is_there
):
    if not can_exchange:

        def refuse(one: Path, other: Path) -> None:
            raise OSError(errno.EINVAL, "Invalid argument", str(other))

        monkeypatch.setattr(atomic, "_exchange", refuse)
    killed, seen = Killed(lambda: write_directory(memory_path / "d", "new")), []
    for number in itertools.count(1):
        if is_there:
            write_directory(memory_path / "d", "old")
        was_killed = killed.at(number)
        if can_exchange and is_there:
            assert (memory_path / "d").is_dir(), number  # at every instant
        recover(memory_path / "d")
        seen += [content_of(memory_path / "d") if (memory_path / "d").exists() else None]
        assert [p.name for p in memory_path.iterdir()] == ["d"] * (seen[-1] is not None), number
        if not was_killed:
            break
        if not is_there:
            shutil.rmtree(memory_path / "d", ignore_errors=True)
    assert number > 10
    assert seen[-1] == {"new"}
    before = {"old"} if is_there else None
    assert all(state in (before, {"new"}) for state in seen)
    assert before in seen
    assert seen.count({"new"}) > 1 or not is_there  # also killed after the exchange


def test_a_directory_that_comes_back_meanwhile_does_not_hide_the_failure(tmp_path, monkeypatch):
    """Another process takes the former one, moved aside, for a leftover, and puts it back."""
    write_directory(tmp_path / "d", "old")
    rename = Path.rename

    def refuse(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, "Invalid argument", str(other))

    def move(path: Path, target: Path) -> Path:
        moved = rename(path, target)
        if target.suffix == ".old":
            rename(target, path)
        return moved

    monkeypatch.setattr(atomic, "_exchange", refuse)
    monkeypatch.setattr(Path, "rename", move)
    with pytest.raises(OSError, match="not empty") as raised:
        write_directory(tmp_path / "d", "new")
    assert raised.value.errno == errno.ENOTEMPTY
    assert content_of(tmp_path / "d") == {"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_kill_at_any_call_leaves_the_old_or_the_new_file(memory_path):
    write_text(memory_path / "a", "old")
    killed, seen = Killed(lambda: write_text(memory_path / "a", "new")), []
    for number in itertools.count(1):
        was_killed = killed.at(number)
        seen.append((memory_path / "a").read_text())
        recover_all(memory_path)
        assert [p.name for p in memory_path.iterdir()] == ["a"]
        if not was_killed:
            break
    assert number > 3
    assert seen == sorted(seen, reverse=True)
    assert (seen[0], seen[-1]) == ("old", "new")


def test_contents_are_flushed_before_a_directory_is_visible(tmp_path, monkeypatch):
    events = []
    fsync, rename, exchange = os.fsync, Path.rename, atomic._exchange

    def note_fsync(handle: int) -> None:
        fsync(handle)
        events.append(Path(f"/proc/self/fd/{handle}").readlink().name)

    def note(name, call):
        def noted(*paths):
            events.append(name)
            return call(*paths)

        return noted

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "rename", note("rename", rename))
    monkeypatch.setattr(atomic, "_exchange", note("exchange", exchange))
    for step in ("rename", "exchange"):
        events.clear()
        write_directory(tmp_path / "d", "text")
        at = events.index(step)
        assert {"one", "sub", "two"} < set(events[:at])
        assert events[at + 1 :] == [tmp_path.name]


def test_many_files_are_flushed_at_once(tmp_path, monkeypatch):
    flushed, flush = [], atomic._sync_file_system

    def note(path: Path) -> None:
        flush(path)
        flushed.append((path.name.startswith(".d."), (tmp_path / "d").exists()))

    monkeypatch.setattr(atomic, "_sync_file_system", note)
    with atomic_directory(tmp_path / "d") as work:
        for number in range(atomic.SYNC_EACH):
            (work / str(number)).touch()
    assert flushed == [(True, False)]


def test_writers_that_still_run_keep_their_temporary_names(tmp_path):
    (tmp_path / ".d.abcd_123.tmp").mkdir()
    (tmp_path / ".a.abcd_123.tmp").touch()
    with atomic_directory(tmp_path / "d") as work, atomic_file(tmp_path / "a"):
        (work / "file").touch()
        recover_all(tmp_path)
        left = {p.name for p in tmp_path.iterdir()}
        assert work.name in left
        assert len(left) == 2
        assert all(map(is_temporary, left))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "d"]
    assert not is_temporary(".hidden.tmp")


@pytest.mark.parametrize("locks", ["of this client", "none"])
def test_on_a_shared_file_system_a_leftover_is_a_day_old_by_its_clock(tmp_path, monkeypatch, locks):
    """Locks of other machines' writers are not seen here, and this machine's clock is ahead."""
    monkeypatch.setattr(atomic, "SHARED", {atomic.file_system_type(tmp_path)})
    monkeypatch.setattr("time.time", lambda: 1e12)
    if locks == "none":
        monkeypatch.setattr(atomic, "_lock", lambda handle: None)
    now = tmp_path.stat().st_mtime
    old, young = now - 86_500, now - 86_000
    for name in ("old", "young", "busy"):
        (tmp_path / f".{name}.abcd_123.tmp").mkdir()
        (tmp_path / f".{name}.abcd_123.tmp" / "file").touch()
        (tmp_path / f".{name}_file.abcd_123.tmp").touch()
        for item in tmp_path.rglob(f".{name}*"):
            for path in (*item.rglob("*"), item):
                os.utime(path, (0, young if name == "young" else old))
    (tmp_path / ".busy.abcd_123.tmp" / "file").write_text("written to just now")
    (tmp_path / ".busy_file.abcd_123.tmp").write_text("written to just now")
    recover_all(tmp_path)
    left = {path.name.split(".")[1] for path in tmp_path.iterdir()}
    assert left == {"young", "young_file", "busy", "busy_file"}


def test_on_a_shared_file_system_a_lock_counts_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "SHARED", {atomic.file_system_type(tmp_path)})
    with atomic_directory(tmp_path / "d") as work:
        os.utime(work, (0, 0))
        recover_all(tmp_path)
        assert work.is_dir()


def test_the_type_of_a_file_system_is_known(tmp_path):
    assert atomic.file_system_type(Path("/proc")) == "proc"
    command = ["stat", "--file-system", "--format=%T", str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert atomic.file_system_type(tmp_path) in shown.strip().replace("/ext3", "/ext4")
    assert atomic.file_system_type(tmp_path) not in atomic.SHARED


def test_a_link_to_a_directory_is_replaced_like_one(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "d").symlink_to("elsewhere")
    write_directory(tmp_path / "d", "new")
    assert content_of(tmp_path / "d") == {"new"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d", "elsewhere"]


def test_a_system_call_that_fails_is_told_as_such(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic._exchange(tmp_path / "none", tmp_path / "neither")
