from pathlib import Path

import pytest

from ocr_lib.digest import sha256_file, sha256_tree
from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import check_digest, download, download_source, upload
from ocr_lib.storage.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "labels.txt").write_text("a\tb\n")
    return tmp_path / "own"


def test_a_folder_goes_up_under_its_digest_and_comes_down_checked(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    ref = upload(store, folder, "datasets/{digest}/labels", samples=1)
    assert ref == upload(store, folder, "datasets/{digest}/labels", samples=1)
    assert ref.uri == store.uri(f"datasets/{sha256_tree(folder)}/labels")
    assert ref.metadata == {"samples": 1}
    target = download(store, ref, tmp_path / "target")
    assert (target / "labels.txt").read_text() == "a\tb\n"


def test_what_was_changed_since_is_refused(store: Store, folder: Path, tmp_path: Path) -> None:
    ref = upload(store, folder, "changing/tree")
    (folder / "labels.txt").write_text("other")
    upload(store, folder, "changing/tree")
    with pytest.raises(DataError, match=rf"{ref.uri}: its SHA-256 is .*: it was changed since"):
        download(store, ref, tmp_path / "target")
    with pytest.raises(DataError, match="changed since"):
        download(store, ArtifactRef(ref.uri, "0" * 64, {}), tmp_path / "other")


def test_a_source_is_fetched_with_its_digest(store: Store, folder: Path, tmp_path: Path) -> None:
    local, digest = download_source(store, str(folder), "", tmp_path / "unused")
    assert (local, digest) == (folder, sha256_tree(folder))
    uri = store.put_file(folder / "labels.txt", "sources/labels.txt")
    expected = sha256_file(folder / "labels.txt")
    path, digest = download_source(store, uri, expected, tmp_path / "source")
    assert (path.read_text(), digest) == ("a\tb\n", expected)
    with pytest.raises(DataError, match="changed since"):
        download_source(store, uri, "0" * 64, tmp_path / "source")


def test_a_digest_is_checked_where_one_is_known(folder: Path) -> None:
    digest = check_digest(folder, "", "here")
    assert check_digest(folder, digest, "here") == digest
    with pytest.raises(DataError, match=r"^here: "):
        check_digest(folder / "labels.txt", digest, "here")
