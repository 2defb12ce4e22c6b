"""Which item an object belongs to, and what items a bucket has."""

import pytest

from ocr_lib.registry.stored_items import (
    FOLDERS,
    item_of,
    leads_to_others,
    list_items,
    list_keys,
)
from tests.ocr_lib.registry.used_bucket import UsedBucket

D = "0" * 64


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [
        (f"datasets/a/{D}/lmdb/0/data.mdb", "datasets", f"datasets/a/{D}/lmdb"),
        (f"datasets/a/{D}/labels/labels.txt", "datasets", f"datasets/a/{D}/labels"),
        ("datasets/receipts/labels.txt", "other", "datasets/"),
        ("runs/r/snapshots/1/latest.pdopt", "runs", "runs/r"),
        ("predictions/r/0-256-0/candidate.jsonl", "predictions", "predictions/r"),
        ("evaluations/r/champion.json", "evaluations", "evaluations/r"),
        (f"specs/{D}.json", "specs", f"specs/{D}.json"),
        (f"specs/configs/{D}.yml", "specs", f"specs/configs/{D}.yml"),
        (f"specs/files/{D}", "specs", f"specs/files/{D}"),
        ("specs/runs/r.json", "specs", "specs/runs/r.json"),
        (f"registry/m/bundles/{D}/model.onnx", "bundles", f"registry/m/bundles/{D}"),
        ("registry/m/golden/3/golden.json", "versions", "versions/m/3"),
        ("triton/m/3/model.py", "versions", "versions/m/3"),
        ("triton/m_core/3/model.onnx", "versions", "versions/m/3"),
        ("triton/m_core/config.pbtxt", "other", "triton/"),
        ("triton/m_release3_0123abcd/3/model.py", "other", "triton/"),
        ("registry/m/production.json", "records", "registry/m/production.json"),
        ("registry/m/versions/3.json", "records", "registry/m/versions/3.json"),
        ("feedback/m/2026-11-23/0.image", "feedback", "feedback/m/2026-11-23"),
        ("sources/train.tar", "sources", "sources/train.tar"),
        ("sources/receipts/a.png", "sources", "sources/receipts"),
        (f"decisions/{D}/r.json", "decisions", f"decisions/{D}"),
        ("leases/probe/0123", "temporary", "leases/probe/0123"),
        ("leases/deploy-m/holder.json", "other", "leases/"),
    ],
)
def test_an_object_is_of_one_item(key: str, kind: str, name: str) -> None:
    item = item_of(key)
    assert (item.kind, item.name) == (kind, name)
    if kind != "other":
        assert key.startswith(item.prefixes)
        assert key.startswith(FOLDERS)


def test_items_are_counted_and_listed_alone(bucket: UsedBucket) -> None:
    for key in ("runs/1/a", "runs/1/tree-manifest.json", "runs/10/a", "sources/a", "sources/ab"):
        bucket.store.put_bytes(key, b"xyz")
    items = list_items(bucket.store)
    one = items["runs/1"]
    assert (one.objects, one.bytes, one.is_tree) == (2, 6, True)
    assert (items["runs/10"].objects, items["runs/10"].is_tree) == (1, False)
    keys = list_keys(bucket.store, one)[1]
    assert keys == ["runs/1/a", "runs/1/tree-manifest.json"]
    assert list(map(leads_to_others, keys)) == [False, True]
    assert list_keys(bucket.store, items["sources/a"])[1] == ["sources/a"]
