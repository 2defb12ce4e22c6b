from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.plan.sources import DataPart, find_parts, partition_parts
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.storage.store import Store


def put(store: Store, key: str, content: str) -> str:
    store.client.put(store.bucket, key, content.encode())
    return store.uri(key)


def test_an_archive_is_one_part_and_known_by_its_content(store: Store) -> None:
    uri = put(store, "plan/one/train.tar", "first")
    first = find_parts(store, "train", "lines-train", uri)
    assert [part.uri for part in first] == [uri]
    assert find_parts(store, "train", "lines-train", uri) == first
    put(store, "plan/one/train.tar", "second")
    (second,) = find_parts(store, "train", "lines-train", uri)
    assert second.version != first[0].version
    assert find_parts(store, "train", "lines-train", uri, "ab" * 32)[0].version == "ab" * 32


def test_a_folder_of_archives_is_a_part_each(store: Store) -> None:
    uris = [put(store, f"plan/many/{name}", name) for name in ("a.tar", "b.tar.gz", "c.ZIP")]
    put(store, "plan/many-others/d.tar", "not below that folder")
    found = find_parts(store, "train", "lines-train", store.uri("plan/many/"))
    assert [part.uri for part in found] == uris
    with pytest.raises(ConfigError, match="one digest cannot be of all"):
        find_parts(store, "train", "lines-train", store.uri("plan/many"), "ab" * 32)


def test_a_folder_of_images_is_one_part(store: Store, tmp_path: Path) -> None:
    put(store, "plan/images/gt.txt", "labels")
    put(store, "plan/images/nested.tar", "an archive among others")
    assert len(find_parts(store, "train", "x", store.uri("plan/images"))) == 1
    for name in ("a.tar", "b.tar"):
        (tmp_path / name).write_text(name)
    assert [Path(p.uri).name for p in find_parts(store, "test", "x", str(tmp_path))] == [
        "a.tar",
        "b.tar",
    ]
    (tmp_path / "gt.txt").write_text("")
    assert [part.uri for part in find_parts(store, "test", "x", str(tmp_path))] == [str(tmp_path)]


def test_nothing_at_a_source_is_an_error(store: Store) -> None:
    with pytest.raises(DataError, match="there is nothing"):
        find_parts(store, "train", "x", store.uri("plan/nothing"))


SIZES = st.lists(st.integers(0, 10**12), min_size=1, max_size=30)


@given(SIZES, st.integers(1, 20), st.floats(1, 1e12))
@example([0, 0, 3], 3, 1.0)
def test_every_part_has_a_pod_and_no_pod_is_idle(sizes: list[int], pods: int, per: float) -> None:
    parts = [DataPart("train", "x", str(i), "", "", size) for i, size in enumerate(sizes)]
    groups = partition_parts(parts, pods, per)
    assert sorted(p.uri for group in groups for p in group) == sorted(p.uri for p in parts)
    assert all(groups)
    assert len(groups) <= min(pods, len(parts))


def test_small_data_stay_together_and_large_ones_are_shared_out_evenly() -> None:
    parts = [DataPart("train", "x", str(i), "", "", 10) for i in range(8)]
    assert len(partition_parts(parts, 16, 1000)) == 1
    assert [len(group) for group in partition_parts(parts, 4, 10)] == [2, 2, 2, 2]
