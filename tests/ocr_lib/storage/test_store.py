import contextlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocr_lib.digest import sha256_tree
from ocr_lib.errors import ConfigError, DataError, ServiceError
from ocr_lib.storage.access_policy import policy
from ocr_lib.storage.s3 import (
    ConflictError,
    DigestError,
    MissingObjectError,
    RefusedError,
)
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import MAX_JSON_BYTES, Store
from ocr_lib.storage.tree_manifest import (
    DAMAGED_SUFFIX,
    MANIFEST_NAME,
    FileEntry,
    TreeManifest,
)
from tests.fault_proxy import FaultProxy, Rule, faulty_store, held
from tests.ocr_lib.storage.policy_server import PolicyServer


def _command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # a process that ended meanwhile
            found.append(path.read_bytes().decode(errors="replace"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "deep er").mkdir(parents=True)
    (root / "one.txt").write_text("one")
    (root / "empty").write_bytes(b"")
    (root / "deep er" / "ü+%20.bin").write_bytes(os.urandom(3 << 20))
    return root


def test_the_end_of_an_object_is_read_alone(store: Store) -> None:
    store.put_bytes("logs/one", b"begin and end")
    assert store.get_end("logs/one", 3) == b"end"
    assert store.get_end(store.uri("logs/one"), 100) == b"begin and end"
    with pytest.raises(MissingObjectError, match="no such object"):
        store.get_end("logs/none", 3)


def test_a_tree_comes_back_as_it_was(store: Store, folder: Path, tmp_path: Path) -> None:
    uri = store.put_tree(folder, "trees/back")
    assert uri == f"s3://{store.bucket}/trees/back"
    target = store.get_tree(uri, tmp_path / "target")
    assert sha256_tree(target) == sha256_tree(folder) == store.get_manifest(uri).digest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "target"]


def test_a_tree_that_is_there_is_not_sent_again(
    store: Store, s3_server: S3Server, folder: Path
) -> None:
    store.put_tree(folder, "trees/twice")
    files = [path for path in (s3_server.root / "ocr/trees/twice").rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, (1, 1))
    store.put_tree(folder, "trees/twice")
    (written,) = [path for path in files if path.stat().st_mtime > 1]
    assert written.name == MANIFEST_NAME  # which says when the tree was last used


def test_a_changed_tree_replaces_the_former(store: Store, folder: Path, tmp_path: Path) -> None:
    store.put_tree(folder, "trees/change")
    target = store.get_tree("trees/change", tmp_path / "target")
    (folder / "one.txt").write_text("two")
    (folder / "empty").unlink()
    store.put_tree(folder, "trees/change")
    store.get_tree("trees/change", target)
    assert sha256_tree(target) == sha256_tree(folder)


def test_an_object_that_vanished_is_sent_again(store: Store, folder: Path, tmp_path: Path) -> None:
    store.put_tree(folder, "trees/lost")
    store.remove("trees/lost/one.txt")
    store.put_tree(folder, "trees/lost")
    assert store.get_tree("trees/lost", tmp_path / "target").is_dir()


@pytest.mark.parametrize("moment", ["before its manifest", "with its manifest"])
def test_what_is_deleted_while_a_tree_is_used_again_is_sent_again(
    store: Store, folder: Path, tmp_path: Path, moment: str
) -> None:
    """As a collection of garbage does that found the tree old before it was used."""
    uri = store.put_tree(folder, "trees/raced")
    listing = Rule(held(), "GET", "", skip=1)
    writing = Rule(held(), "PUT", "trees/raced/tree-manifest.json")
    fault = listing if moment == "before its manifest" else writing
    with faulty_store(store, fault, timeout_s=60) as slow, ThreadPoolExecutor(1) as pool:
        used = pool.submit(slow.put_tree, folder, "trees/raced")
        assert fault.reached.wait(60)
        store.remove("trees/raced/one.txt")
        fault.release.set()
        assert used.result(120) == uri
    manifest = store.find_tree("trees/raced")
    assert manifest is not None
    assert manifest.etags.keys() == manifest.files.keys()
    target = store.get_tree(uri, tmp_path / "target")
    assert sha256_tree(target) == sha256_tree(folder)


def flip(store: Store, key: str) -> None:
    """Changes a byte of an object, and nothing else."""
    content = bytearray(store.get_bytes(key, 9 << 20))
    content[len(content) // 2] ^= 1
    store.client.put(store.bucket, key, bytes(content))


def test_a_damaged_object_is_repaired_by_uploading_the_tree_again(
    any_store: Store, folder: Path, tmp_path: Path
) -> None:
    store, big = any_store, "deep er/ü+%20.bin"
    uri = store.put_tree(folder, "trees/repaired")
    flip(store, f"trees/repaired/{big}")
    advice = rf"^{uri}/{re.escape(big)} at .*SHA-256.*Run the step that writes it again"
    with pytest.raises(DigestError, match=advice):
        store.get_tree(uri, tmp_path / "target")
    before = {item.key: item.modified for item in store.list("trees/repaired/")}
    assert store.put_tree(folder, "trees/repaired") == uri
    assert sha256_tree(store.get_tree(uri, tmp_path / "target")) == sha256_tree(folder)
    after = {item.key: item.modified for item in store.list("trees/repaired/")}
    assert set(before) - set(after) == {f"trees/repaired/{big}{DAMAGED_SUFFIX}"}
    assert after["trees/repaired/one.txt"] == before["trees/repaired/one.txt"]


def test_an_object_that_was_written_again_is_replaced_unread(
    any_store: Store, folder: Path, tmp_path: Path
) -> None:
    """The reader that found the damage may have had no right to leave a mark."""
    uri = any_store.put_tree(folder, "trees/unmarked")
    flip(any_store, "trees/unmarked/one.txt")
    assert any_store.find_tree(uri) is None
    any_store.put_tree(folder, "trees/unmarked")
    assert any_store.find_tree(uri) == any_store.get_manifest(uri)
    assert sha256_tree(any_store.get_tree(uri, tmp_path / "target")) == sha256_tree(folder)


def test_damage_below_the_store_is_repaired(
    store: Store, s3_server: S3Server, folder: Path, tmp_path: Path
) -> None:
    """Neither size, nor time, nor entity tag of the object change: the reader's mark tells."""
    uri = store.put_tree(folder, "trees/rotten")
    path = s3_server.root / store.bucket / "trees/rotten/one.txt"
    times = path.stat()
    path.write_bytes(b"onE")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(DigestError, match="Run the step that writes it again"):
        store.get_tree(uri, tmp_path / "target")
    assert store.find_tree(uri) is None
    store.put_tree(folder, "trees/rotten")
    assert sha256_tree(store.get_tree(uri, tmp_path / "target")) == sha256_tree(folder)


def test_a_reader_without_the_right_to_mark_says_what_to_do(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = store.put_tree(folder, "runs/unmarkable")
    flip(store, "runs/unmarkable/one.txt")
    with PolicyServer(store.client.endpoint, policy("evaluate", store.bucket)) as server:
        monkeypatch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        with pytest.raises(DigestError, match="Delete this object with a key that may, then"):
            Store.from_env().get_tree(uri, tmp_path / "target")
    store.remove("runs/unmarkable/one.txt")
    store.put_tree(folder, "runs/unmarkable")
    assert store.get_tree(uri, tmp_path / "target").is_dir()


def test_a_damaged_data_set_says_how_not_to_meet_a_cache(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    uri = store.put_tree(folder, "datasets/cached/lmdb")
    flip(store, "datasets/cached/lmdb/one.txt")
    with pytest.raises(DigestError, match=r"or start a run with another options\.dataset_name"):
        store.get_tree(uri, tmp_path / "target")


def test_a_value_larger_than_any_of_ours_is_not_read(store: Store) -> None:
    store.put_bytes("json/large", b" " * (MAX_JSON_BYTES + 1))
    with pytest.raises(DigestError, match=f"more than {MAX_JSON_BYTES} bytes"):
        store.get_json("json/large")


def test_a_damaged_manifest_is_repaired(store: Store, folder: Path, tmp_path: Path) -> None:
    uri = store.put_tree(folder, "trees/unlisted")
    store.put_bytes(f"trees/unlisted/{MANIFEST_NAME}", b"{")
    with pytest.raises(DigestError, match="malformed"):
        store.get_tree(uri, tmp_path / "target")
    assert store.find_tree(uri) is None
    store.put_tree(folder, "trees/unlisted")
    assert store.get_tree(uri, tmp_path / "target").is_dir()


def test_a_tree_of_an_older_version_is_whole_without_entity_tags(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = store.put_tree(folder, "trees/older")
    manifest = store.get_json(f"trees/older/{MANIFEST_NAME}")
    for entry in manifest["files"].values():
        del entry["etag"]
    store.put_json(f"trees/older/{MANIFEST_NAME}", manifest)
    assert store.find_tree(uri) == TreeManifest.of_folder(folder)
    with FaultProxy(store.client.endpoint) as proxy:
        monkeypatch.setenv("OCR_S3_ENDPOINT", proxy.endpoint)
        Store.from_env().put_tree(folder, "trees/older")
    written = [path.partition("?")[0] for method, path in proxy.requests if method == "PUT"]
    assert written == [f"ocr/trees/older/{MANIFEST_NAME}"]


def test_a_tree_that_is_there_is_not_read(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = store.put_tree(folder, "trees/unread")
    with FaultProxy(store.client.endpoint) as proxy:
        monkeypatch.setenv("OCR_S3_ENDPOINT", proxy.endpoint)
        proxied = Store.from_env()
        proxied.put_tree(folder, "trees/unread")
        assert proxied.find_tree(uri) is not None
    asked = [(method, path.partition("?")[0]) for method, path in proxy.requests]
    manifest = f"ocr/trees/unread/{MANIFEST_NAME}"
    assert set(asked) == {("GET", "ocr"), ("GET", manifest), ("PUT", manifest)}


def test_a_tree_without_manifest_is_none(store: Store, folder: Path, tmp_path: Path) -> None:
    store.put_tree(folder, "trees/half")
    store.remove(f"trees/half/{MANIFEST_NAME}")
    with pytest.raises(MissingObjectError, match="no complete upload"):
        store.get_tree("trees/half", tmp_path / "target")


@pytest.mark.parametrize("content", [b"eno", b"on", b"one too many", None])
def test_a_damaged_object_never_becomes_a_file(
    store: Store, folder: Path, tmp_path: Path, content: bytes | None
) -> None:
    uri = store.put_tree(folder, "trees/damaged")
    if content is None:
        store.remove(f"{uri}/one.txt")
    else:
        store.client.put(store.bucket, "trees/damaged/one.txt", content)
    with pytest.raises(ServiceError, match=r"trees/damaged/one\.txt"):
        store.get_tree(uri, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_an_interrupted_download_goes_on(store: Store, folder: Path, tmp_path: Path) -> None:
    """What an earlier, killed download left is kept where right and replaced where wrong."""
    uri = store.put_tree(folder, "trees/resume")
    manifest = store.get_manifest(uri)
    work = tmp_path / f".target.{manifest.digest[:12]}.partial"
    (work / "deep er").mkdir(parents=True)
    (work / "one.txt").write_text("bad")
    big = (folder / "deep er" / "ü+%20.bin").read_bytes()
    (work / "deep er" / "ü+%20.bin.part").write_bytes(big[:1000])
    target = store.get_tree(uri, tmp_path / "target")
    assert sha256_tree(target) == sha256_tree(folder)


def test_a_download_that_was_killed_after_its_folder_was_there_leaves_nothing(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    uri = store.put_tree(folder, "trees/exchanged")
    store.get_tree(uri, tmp_path / "target")
    work = tmp_path / f".target.{store.get_manifest(uri).digest[:12]}.partial"
    (work / "former").mkdir(parents=True)
    store.get_tree(uri, tmp_path / "target")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "target"]


def test_a_download_takes_nothing_over_from_another_tree(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    """A process killed right after the exchange leaves the former folder under the work name."""
    uri = store.put_tree(folder, "trees/exact")
    work = tmp_path / f".target.{store.get_manifest(uri).digest[:12]}.partial"
    (work / "former").mkdir(parents=True)
    (work / "former" / "data.mdb").write_text("of the former tree")
    (work / "empty").mkdir()
    (work / "deep er").write_text("a file where the tree has a folder")
    (work / "link").symlink_to(folder)
    target = store.get_tree(uri, tmp_path / "target")
    assert sha256_tree(target) == sha256_tree(folder)
    assert sorted(p.name for p in target.iterdir()) == ["deep er", "empty", "one.txt"]
    assert (folder / "one.txt").exists()


def test_a_damaged_part_is_fetched_anew(store: Store, folder: Path, tmp_path: Path) -> None:
    uri = store.put_tree(folder, "trees/part")
    work = tmp_path / f".target.{store.get_manifest(uri).digest[:12]}.partial"
    work.mkdir()
    (work / "one.txt.part").write_text("x")
    assert (store.get_tree(uri, tmp_path / "target") / "one.txt").read_text() == "one"


def test_a_tree_above_the_limit_is_refused(store: Store, folder: Path, tmp_path: Path) -> None:
    uri = store.put_tree(folder, "trees/large")
    with pytest.raises(DataError, match="more than 1000 allowed"):
        store.get_tree(uri, tmp_path / "target", max_bytes=1000)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../x", "a//b", "", ".", "a\\b", "a\nb"])
def test_a_manifest_cannot_lead_out_of_its_folder(store: Store, tmp_path: Path, name: str) -> None:
    value = TreeManifest({name: FileEntry("0" * 64, 1)}).to_dict()
    store.put_json(f"trees/evil/{MANIFEST_NAME}", value)
    with pytest.raises(DigestError, match="not a safe file name"):
        store.get_tree("trees/evil", tmp_path / "target")


def test_sources_are_trees_folders_objects_and_paths(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    tree = store.put_tree(folder, "sources/tree")
    assert sha256_tree(store.fetch_source(tree, tmp_path / "t")) == sha256_tree(folder)
    store.put_file(folder / "one.txt", "sources/plain/sub/one.txt")
    plain = store.fetch_source(store.uri("sources/plain/"), tmp_path / "p")
    assert (plain / "sub" / "one.txt").read_text() == "one"
    one = store.fetch_source(store.uri("sources/plain/sub/one.txt"), tmp_path / "o")
    assert one == tmp_path / "o" / "one.txt"
    assert one.read_text() == "one"
    assert store.fetch_source(str(folder), tmp_path / "unused") == folder
    for missing in (store.uri("sources/none"), str(tmp_path / "none")):
        with pytest.raises(DataError):
            store.fetch_source(missing, tmp_path / "n")


def test_objects_that_stand_for_folders_are_no_files(
    conditional_store: Store, tmp_path: Path
) -> None:
    """Consoles of S3 and MinIO write an empty object, its key with a slash at the end."""
    store = conditional_store  # rclone holds no such objects

    def put(key: str, content: bytes) -> None:
        store.client.put(store.bucket, f"consoles/{key}", content)

    for key in ("folder/", "folder/sub/"):
        put(key, b"")
    with pytest.raises(DataError, match="nothing in the store under this name"):
        store.fetch_source(store.uri("consoles/folder"), tmp_path / "c")
    put("folder/sub/gt.txt", b"text")
    for uri in (store.uri("consoles/folder"), store.uri("consoles/folder/")):
        got = store.fetch_source(uri, tmp_path / "c")
        assert [p.relative_to(got).as_posix() for p in got.rglob("*")] == ["sub", "sub/gt.txt"]


def test_an_object_with_content_under_a_folder_s_key_is_refused(
    conditional_store: Store, tmp_path: Path
) -> None:
    conditional_store.client.put(conditional_store.bucket, "odd/folder/sub/", b"text")
    with pytest.raises(DigestError, match="not a safe file name"):
        conditional_store.fetch_source(conditional_store.uri("odd/folder"), tmp_path / "c")


def test_a_changed_plain_folder_is_fetched_anew(store: Store, tmp_path: Path) -> None:
    """Without digests an equal size proves nothing."""
    for text in ("old", "new"):
        store.client.put(store.bucket, "sources/changing/gt.txt", text.encode())
        got = store.fetch_source(store.uri("sources/changing"), tmp_path / "c")
        assert (got / "gt.txt").read_text() == text


def test_json_is_replaced_only_by_who_read_it(store: Store) -> None:
    first = store.replace_json("json/a", {"n": 1}, None)
    with pytest.raises(ConflictError):
        store.replace_json("json/a", {"n": 2}, None)
    second = store.replace_json("json/a", {"n": 2}, first)
    with pytest.raises(ConflictError):
        store.replace_json("json/a", {"n": 3}, first)
    assert store.get_versioned("json/a") == ({"n": 2}, second)
    with pytest.raises(MissingObjectError):
        store.get_json("json/none")
    store.client.put(store.bucket, "json/bad", b"{")
    with pytest.raises(DigestError):
        store.get_json("json/bad")


def test_folders_are_listed_without_what_is_in_them(store: Store) -> None:
    for key in ("b/1", "b/2/x", "a/deep/er", "file"):
        store.put_json(f"folders/{key}", {})
    assert store.folders("folders", 3) == ("a", "b")
    assert store.folders("folders/b/", 9) == ("2",)
    assert store.folders("folders/none", 9) == ()
    with pytest.raises(ServiceError, match=r"ocr/folders/ at .*: more than 2 entries\. Delete"):
        store.folders("folders", 2)


@pytest.mark.parametrize("name", ["OCR_S3_ENDPOINT", "OCR_S3_BUCKET", "AWS_SECRET_ACCESS_KEY"])
def test_an_unset_variable_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=f"{name}: is not set"):
        Store.from_env()


@pytest.mark.parametrize("endpoint", ["localhost:9000", "ftp://h", "http://", "http://h/path"])
def test_a_malformed_endpoint_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("OCR_S3_ENDPOINT", endpoint)
    with pytest.raises(ConfigError, match="is not an endpoint"):
        Store.from_env()


def test_the_secret_is_never_printed(store: Store, s3_server: S3Server, tmp_path: Path) -> None:
    secret = s3_server.environment()["AWS_SECRET_ACCESS_KEY"]
    with pytest.raises(ServiceError) as caught:
        store.get_tree("s3://no-such-bucket/x", tmp_path / "x")
    shown = [repr(store), repr(store.client), repr(s3_server), str(caught.value)]
    assert not any(secret in text for text in shown + _command_lines())


def test_wrong_credentials_are_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    with pytest.raises(RefusedError, match="AWS_SECRET_ACCESS_KEY"):
        Store.from_env().put_json("x", json.loads("{}"))


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
    uri = store.put_linked_tree(own, links, "linked/{digest}")
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
