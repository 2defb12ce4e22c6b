from pathlib import Path

import pytest

from ocr_lib.digest import sha256_tree
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.runspec.sources import check_listing, pin_sources, pin_weights
from ocr_lib.storage.store import Store


def put(store: Store, key: str, content: str) -> str:
    store.client.put(store.bucket, key, content.encode())
    return store.uri(key)


def test_an_archive_is_one_source_and_known_by_its_listing(store: Store) -> None:
    uri = put(store, "plan/one/train.tar", "first")
    first = pin_sources(store, "train", uri)
    assert [(source.uri, source.of, source.bytes) for source in first] == [(uri, "listing", 5)]
    assert pin_sources(store, "train", uri) == first
    check_listing(store, first[0])
    put(store, "plan/one/train.tar", "second")
    assert pin_sources(store, "train", uri)[0].digest != first[0].digest
    with pytest.raises(DataError, match="was changed since this run was planned"):
        check_listing(store, first[0])


def test_a_digest_that_the_user_gives_is_taken_and_checked_where_the_content_is(
    store: Store,
) -> None:
    uri = put(store, "plan/given/train.tar", "first")
    (source,) = pin_sources(store, "train", uri, "ab" * 32)
    assert (source.digest, source.of) == ("ab" * 32, "content")
    check_listing(store, source)


def test_a_folder_of_archives_is_a_source_each(store: Store) -> None:
    uris = [put(store, f"plan/many/{name}", name) for name in ("a.tar", "b.tar.gz", "c.ZIP")]
    put(store, "plan/many-others/d.tar", "not below that folder")
    found = pin_sources(store, "train", store.uri("plan/many/"))
    assert [source.uri for source in found] == uris
    with pytest.raises(ConfigError, match=r"options\.sha256\.train: .* one digest cannot"):
        pin_sources(store, "train", store.uri("plan/many"), "ab" * 32)


@pytest.mark.parametrize("sha256", ["", "ab" * 32])
def test_a_folder_of_one_archive_is_that_archive(store: Store, sha256: str) -> None:
    uri = put(store, "plan/single/monday.tar", "lines")
    (source,) = pin_sources(store, "train", store.uri("plan/single/"), sha256)
    assert (source.uri, source.digest == sha256) == (uri, bool(sha256))


def test_a_folder_of_images_is_one_source(store: Store, tmp_path: Path) -> None:
    put(store, "plan/images/gt.txt", "labels")
    put(store, "plan/images/nested.tar", "an archive among others")
    assert len(pin_sources(store, "train", store.uri("plan/images"))) == 1
    for name in ("a.tar", "b.tar"):
        (tmp_path / name).write_text(name)
    found = pin_sources(store, "test", str(tmp_path))
    assert [Path(source.uri).name for source in found] == ["a.tar", "b.tar"]
    (tmp_path / "gt.txt").write_text("")
    assert [s.uri for s in pin_sources(store, "test", str(tmp_path))] == [str(tmp_path)]


def test_nothing_at_a_source_is_an_error(store: Store, tmp_path: Path) -> None:
    for pin in (
        lambda: pin_sources(store, "train", store.uri("plan/nothing")),
        lambda: pin_weights(store, store.uri("plan/nothing"), tmp_path),
    ):
        with pytest.raises(DataError, match="nothing"):
            pin()


def test_weights_are_known_by_their_content(store: Store, tmp_path: Path) -> None:
    uri = put(store, "plan/w.pdparams", "weights")
    first = pin_weights(store, uri, tmp_path / "one")
    assert (first.of, first.bytes) == ("content", 7)
    put(store, "plan/w.pdparams", "weights")  # written again, the same
    assert pin_weights(store, uri, tmp_path / "two") == first
    folder = tmp_path / "import"
    folder.mkdir()
    (folder / "weights.pdparams").write_text("weights")
    tree = pin_weights(store, store.put_tree(folder, "plan/import"), tmp_path / "three")
    assert tree.digest == sha256_tree(folder)


def test_objects_that_stand_for_folders_or_marks_are_not_listed(conditional_store: Store) -> None:
    store = conditional_store  # rclone holds no objects that stand for folders
    put(store, "plan/marked/gt.txt", "labels")
    (before,) = pin_sources(store, "train", store.uri("plan/marked"))
    for key in ("plan/marked/", "plan/marked/sub/", "plan/marked/gt.txt.damaged"):
        put(store, key, "")
    check_listing(store, before)
    assert pin_sources(store, "train", store.uri("plan/marked")) == (before,)
    put(store, "plan/empty/", "")
    with pytest.raises(DataError, match="there is nothing"):
        pin_sources(store, "train", store.uri("plan/empty"))
