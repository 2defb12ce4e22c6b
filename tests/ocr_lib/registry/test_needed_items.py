"""What kept things lead to; see `test_garbage_collection.py` for what follows from it."""

import json

import pytest

from ocr_lib.registry.needed_items import BY_RUN, BY_VERSION, find_needed
from ocr_lib.registry.production import Production, write_production
from ocr_lib.registry.stored_items import list_items
from ocr_lib.storage.s3 import DigestError
from tests.ocr_lib.registry.used_bucket import UsedBucket

D = "1" * 64


def needed(bucket: UsedBucket, *runs: str, keep: int = 0) -> dict[str, tuple[str, str]]:
    items = list_items(bucket.store)
    return find_needed(bucket.store, items, keep, runs, lambda _: False)


def test_every_address_in_a_run_spec_is_needed_whatever_its_key_is_called(
    bucket: UsedBucket,
) -> None:
    uri = bucket.store.uri
    spec = {"new_key": [{"weights": uri("runs/first/best_accuracy.pdparams")}, uri("sources/b")]}
    for key in ("runs/first/best_accuracy.pdparams", "sources/b/1.png", "sources/c.tar"):
        bucket.store.put_bytes(key, b"x")
    bucket.store.put_json(f"specs/{D}.json", spec)
    bucket.store.put_json("specs/runs/second.json", {"spec": D})
    found = needed(bucket, "second")
    names = {"runs/first", "sources/b", f"specs/{D}.json", "specs/runs/second.json"}
    assert set(found) == names
    assert set(found.values()) == {(BY_RUN, "run second")}


def test_the_files_that_a_configuration_names_are_needed_with_their_run_spec(
    bucket: UsedBucket,
) -> None:
    for key in (f"specs/files/{D}", f"specs/files/{'2' * 64}"):
        bucket.store.put_bytes(key, b"a\n")
    spec = {"config": {"yaml": "", "files": [{"key": "k", "contents": {"mine.txt": D}}]}}
    bucket.store.put_json(f"specs/{D}.json", spec)
    bucket.store.put_json("specs/runs/second.json", {"spec": D})
    names = {f"specs/files/{D}", f"specs/{D}.json", "specs/runs/second.json"}
    assert set(needed(bucket, "second")) == names


def test_a_production_without_a_record_keeps_its_bundle(bucket: UsedBucket) -> None:
    bundle = f"registry/m/bundles/{D}"
    bucket.store.put_bytes(f"{bundle}/bundle.json", json.dumps({"files": {}}).encode())
    bucket.store.put_bytes("triton/m/1/model.py", b"x")
    production = Production("m", 1, bucket.store.uri(bundle), D, [], "")
    write_production(bucket.store, production, None)
    found = needed(bucket)
    assert found[bundle] == (BY_VERSION, "production of m")
    assert found["versions/m/1"] == (BY_VERSION, "version 1 of m")


def test_a_bundle_s_description_that_is_no_json_is_an_error(bucket: UsedBucket) -> None:
    bundle = f"registry/m/bundles/{D}"
    bucket.store.put_bytes(f"{bundle}/bundle.json", b"{")
    write_production(bucket.store, Production("m", 1, bucket.store.uri(bundle), D, [], ""), None)
    with pytest.raises(DigestError, match="not JSON"):
        needed(bucket)
