"""Trees that hold files of other trees without a copy of them."""

from pathlib import Path

import pytest

from ocr_lib.digest import sha256_tree
from ocr_lib.storage.linked_tree import link_tree
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.store import Store


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_tree_may_link_to_files_of_others_and_reads_as_one_that_was_uploaded_whole(
    store: Store, tmp_path: Path
) -> None:
    links = {}
    for part in ("one", "two"):
        folder = write_files(tmp_path / part, {"a/data": f"{part} data", "a/table": part})
        uri = store.put_tree(folder, f"linked/parts/{part}")
        manifest = store.get_files(uri, tmp_path / f"{part}-some", lambda name: "table" in name)
        assert [p.name for p in (tmp_path / f"{part}-some").rglob("*") if p.is_file()] == ["table"]
        prefix = uri.removeprefix(store.uri(""))
        for name, entry in manifest.files.items():
            links[f"{part}/{name}"] = entry, manifest.key(prefix, name)
    own = write_files(tmp_path / "own", {"manifest": "of both"})
    uri = link_tree(store, own, links, "linked/{digest}")
    folder = store.get_tree(uri, tmp_path / "all")
    assert (folder / "two/a/data").read_text() == "two data"
    assert sha256_tree(folder) == store.get_manifest(uri).digest == uri.rpartition("/")[2]
    assert store.put_tree(folder, uri.removeprefix(store.uri(""))) == uri  # a full copy, unlinked
    assert store.get_manifest(uri).links == {}


def test_a_link_cannot_lead_out_of_the_bucket(store: Store, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "tree", {"a": "a"})
    uri = store.put_tree(folder, "evil")
    manifest = store.get_json("evil/tree-manifest.json")
    store.put_json("evil/tree-manifest.json", {**manifest, "links": {"a": "../other/secret"}})
    with pytest.raises(DigestError, match="not a safe file name"):
        store.get_tree(uri, tmp_path / "out")
