import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.atomic import atomic_directory, atomic_file
from ocr_lib.digest import sha256_tree
from ocr_lib.errors import DataError
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.tree_manifest import (
    MANIFEST_NAME,
    MAX_NAME_BYTES,
    FileEntry,
    TreeManifest,
    safe_name,
)
from tests.killed import Killed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "deep er").mkdir(parents=True)
    (root / "one.txt").write_text("one")
    (root / "empty").write_bytes(b"")
    (root / "deep er" / "ü+%20.bin").write_bytes(bytes(range(256)))
    return root


def written(manifest: TreeManifest, **changed: Any) -> bytes:
    return json.dumps({**manifest.to_dict(), **changed}).encode()


def test_a_manifest_survives_its_json(folder: Path) -> None:
    manifest = TreeManifest.of_folder(folder)
    assert manifest.size == 3 + 0 + 256
    assert manifest.digest == sha256_tree(folder)
    assert TreeManifest.from_json(written(manifest), "here") == manifest
    linked = TreeManifest(manifest.files, {"one.txt": "other/tree/one.txt"})
    assert TreeManifest.from_json(written(linked), "here") == linked
    assert linked.key("new", "one.txt") == "other/tree/one.txt"
    assert linked.key("new", "empty") == "new/empty"


def test_what_a_folder_lacks_is_known(folder: Path) -> None:
    manifest = TreeManifest.of_folder(folder)
    assert manifest.matches(folder)
    assert manifest.missing(folder) == []
    (folder / "one.txt").write_text("two")
    (folder / "empty").unlink()
    assert manifest.missing(folder) == ["empty", "one.txt"]
    assert not manifest.matches(folder)


def test_a_folder_with_more_files_is_another(folder: Path) -> None:
    manifest = TreeManifest.of_folder(folder)
    (folder / "more").write_bytes(b"")
    assert manifest.missing(folder) == []
    assert not manifest.matches(folder)
    assert not manifest.matches(folder / "none")


def test_an_equal_size_proves_nothing_without_a_digest(folder: Path) -> None:
    assert TreeManifest({"one.txt": FileEntry("", 3)}).missing(folder) == ["one.txt"]


def test_links_and_reserved_names_are_refused(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to("/etc/hostname")
    with pytest.raises(DataError, match="a link"):
        TreeManifest.of_folder(folder)
    link.unlink()
    (folder / MANIFEST_NAME).write_text("{}")
    with pytest.raises(DataError, match="the store itself uses"):
        TreeManifest.of_folder(folder)


def test_what_a_killed_writer_left_is_no_part_of_a_tree(folder: Path) -> None:
    manifest = TreeManifest.of_folder(folder)

    def write() -> None:
        with atomic_directory(folder / "more") as work, atomic_file(folder / "two.txt") as file:
            (work / "file").touch()
            file.write(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    assert Killed(write).at(1_000)
    assert len([path for path in folder.iterdir() if path.name.endswith(".tmp")]) == 2
    assert TreeManifest.of_folder(folder) == manifest


def test_a_name_that_the_store_cannot_hold_is_refused(folder: Path) -> None:
    (folder / "a\nb").write_bytes(b"")
    with pytest.raises(DataError, match="a name that the store cannot hold"):
        TreeManifest.of_folder(folder)


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="an empty folder"):
        TreeManifest.of_folder(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        TreeManifest.of_folder(tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"files": {"a": 1}}', b"\xff"])
def test_a_malformed_manifest_is_named(content: bytes) -> None:
    with pytest.raises(DigestError, match=rf"^s3://ocr/x/{MANIFEST_NAME}: malformed"):
        TreeManifest.from_json(content, "s3://ocr/x")


@pytest.mark.parametrize("changed", [{"format": 2}, {"digest": "00"}])
def test_a_manifest_that_is_not_its_digest_is_refused(
    folder: Path, changed: dict[str, Any]
) -> None:
    content = written(TreeManifest.of_folder(folder), **changed)
    with pytest.raises(DigestError, match="format or digest is not right"):
        TreeManifest.from_json(content, "here")


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../x", "a//b", "", ".", "a\\b", "a\nb", "x" * (MAX_NAME_BYTES + 1)],
)
def test_no_name_and_no_link_leads_out(name: str) -> None:
    manifest = TreeManifest({name: FileEntry("0" * 64, 1)})
    with pytest.raises(DigestError, match="not a safe file name"):
        TreeManifest.from_json(written(manifest), "here")
    with pytest.raises(DigestError, match="not a safe file name"):
        TreeManifest.from_json(written(TreeManifest({}), links={"a": name}), "here")


@given(st.text(max_size=30))
def test_a_safe_name_stays_below_its_folder(name: str) -> None:
    try:
        safe_name(name, "here")
    except DigestError:
        return
    inside = os.path.normpath(f"/root/{name}")
    assert inside == f"/root/{name}"
    assert inside.startswith("/root/")
