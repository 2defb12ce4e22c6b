import itertools
import shutil
import threading
from pathlib import Path

import pytest

from ocr_lib.errors import DataError, ServiceError
from ocr_lib.storage.transfer import WORKERS, check_room, in_parallel, put_in_place
from ocr_lib.storage.tree_manifest import FileEntry, TreeManifest
from tests.killed import Killed


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def names(path: Path) -> list[str]:
    return sorted(item.name for item in path.iterdir())


def test_all_names_are_worked_on_several_at_a_time() -> None:
    together, done = threading.Barrier(WORKERS, timeout=60), []

    def work(name: str) -> None:
        together.wait()
        done.append(name)

    in_parallel(work, map(str, range(2 * WORKERS)), "moving")
    assert sorted(done, key=int) == [str(number) for number in range(2 * WORKERS)]


def test_the_first_error_stops_the_rest() -> None:
    started, never = [], threading.Event()

    def work(name: str) -> None:
        started.append(name)
        if name == "0":
            raise ServiceError("0 failed.")
        never.wait(0.2)  # so that ten thousand take minutes

    with pytest.raises(ServiceError, match="failed"):
        in_parallel(work, map(str, range(10_000)), "moving")
    assert len(started) < 10_000


def test_a_tree_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    manifest = TreeManifest({"a": FileEntry("", 7), "b": FileEntry("", 4)})
    check_room("s3://ocr/tree", manifest, ["a", "b"], tmp_path, 11)
    with pytest.raises(DataError, match=r"s3://ocr/tree: 11 bytes, more than 10 allowed"):
        check_room("s3://ocr/tree", manifest, ["a", "b"], tmp_path, 10)


def test_a_tree_larger_than_the_disk_is_refused_for_what_is_missing(tmp_path: Path) -> None:
    manifest = TreeManifest({"here": FileEntry("", 1 << 60), "small": FileEntry("", 1)})
    check_room("s3://ocr/tree", manifest, ["small"], tmp_path, 1 << 61)
    with pytest.raises(DataError, match=r"needs 1152921504606846976 bytes, the disk has"):
        check_room("s3://ocr/tree", manifest, ["here"], tmp_path, 1 << 61)


def test_a_finished_folder_replaces_the_former(tmp_path: Path) -> None:
    work = folder(tmp_path / ".tree.1.partial", "new")
    put_in_place(work, folder(tmp_path / "tree", "old"))
    assert (tmp_path / "tree" / "file").read_text() == "new"
    assert names(tmp_path) == ["tree"]


def test_a_kill_at_any_call_leaves_the_former_folder_or_the_finished_one(memory_path: Path) -> None:
    contents = []
    for number in itertools.count(1):
        for name, content in (("tree", "old"), (".tree.1.partial", "new")):
            shutil.rmtree(memory_path / name, ignore_errors=True)
            folder(memory_path / name, content)
        was_killed = Killed(
            lambda: put_in_place(memory_path / ".tree.1.partial", memory_path / "tree")
        )
        if not was_killed.at(number):
            break
        contents.append((memory_path / "tree" / "file").read_text())
    assert names(memory_path) == ["tree"]
    assert {"old", "new"} == set(contents)


def test_a_place_that_cannot_be_taken_is_named(tmp_path: Path) -> None:
    work = folder(tmp_path / ".tree.1.partial", "new")
    with pytest.raises(ServiceError, match="no such/tree: cannot put the download there"):
        put_in_place(work, tmp_path / "no such" / "tree")
