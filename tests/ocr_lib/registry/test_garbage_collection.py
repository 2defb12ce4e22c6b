"""What is deleted and what stays, on a bucket that runs have used."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ocr_lib.registry.garbage_collection import (
    Decision,
    collect_garbage,
    find_expired,
    store_time,
    totals,
)
from ocr_lib.registry.production import list_versions, read_production
from ocr_lib.registry.retention import RetentionPolicy
from ocr_lib.runspec.judged_run import load_record
from ocr_lib.storage import store_lease as leases
from ocr_lib.storage.access_policy import policy as access_policy
from ocr_lib.storage.s3 import DigestError, RefusedError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import LeaseLostError, store_lease
from tests.fault_proxy import Rule, faulty_store, held, reset
from tests.ocr_lib.registry.used_bucket import DAY_S, UsedBucket
from tests.ocr_lib.storage.policy_server import PolicyServer
from tests.ocr_lib.storage.uploads import start_upload

KEEP_ONE = RetentionPolicy(keep_versions=1)


def expired(decisions: list[Decision]) -> set[str]:
    return {one.item.name for one in decisions if one.expired}


def kept(decisions: list[Decision]) -> dict[str, str]:
    return {one.item.name: one.reason for one in decisions if not one.expired}


def key(uri: str) -> str:
    return uri.partition("://")[2].partition("/")[2]


def test_what_a_kept_version_needs_stays_and_the_rest_goes(bucket: UsedBucket) -> None:
    runs = [bucket.add_run(f"run-{number}", "ocr") for number in range(1, 5)]
    bucket.age(400)
    before = {record.version: key(record.bundle) for record in list_versions(bucket.store, "ocr")}

    decisions = find_expired(bucket.store, KEEP_ONE, time.time())

    stays = kept(decisions)
    for number in (3, 4):  # in production, and its predecessor
        run, judged = f"run-{number}", runs[number - 1]
        assert stays[f"versions/ocr/{number}"] == "needed by a version that is kept"
        for name in (f"runs/{run}", f"predictions/{run}", f"evaluations/{run}"):
            assert name in stays
        for ref in (judged.train, judged.validation, judged.test, judged.spec):
            assert ref is not None
            assert key(ref.uri) in stays
        assert f"specs/runs/{run}.json" in stays
        assert before[number] in stays
    assert [name for name in stays if name.startswith("decisions/")]
    gone = expired(decisions)
    for number in (1, 2):
        run, judged = f"run-{number}", runs[number - 1]
        assert {f"versions/ocr/{number}", f"runs/{run}", f"specs/runs/{run}.json"} <= gone
        assert {key(judged.train.uri), key(judged.spec.uri)} <= gone
    assert len([name for name in stays if name.startswith("specs/configs/")]) == 2
    assert len([name for name in gone if name.startswith("specs/configs/")]) == 2
    labels = [name for name in gone if name.endswith("/labels")]
    assert len(labels) == 4  # no lineage leads to a label list
    assert {one.expired for one in totals(decisions) if one.kind == "versions"} == {True, False}


def test_a_collection_deletes_and_the_next_one_finds_nothing(bucket: UsedBucket) -> None:
    for number in range(1, 5):
        bucket.add_run(f"run-{number}", "ocr")
    bucket.age(400)
    now = time.time()
    stays = kept(find_expired(bucket.store, KEEP_ONE, now))

    deleted = expired(collect_garbage(bucket.store, KEEP_ONE, now))

    assert {"versions/ocr/1", "versions/ocr/2", "runs/run-1", "evaluations/run-2"} <= deleted
    records = list_versions(bucket.store, "ocr")
    assert [bool(record.pruned) for record in records] == [True, True, False, False]
    bundles = expired(collect_garbage(bucket.store, KEEP_ONE, now))
    assert bundles == {key(records[0].bundle)}  # 2 was the champion of 3, which is kept
    assert not expired(find_expired(bucket.store, KEEP_ONE, now))
    left = {one.item.name for one in find_expired(bucket.store, KEEP_ONE, now)}
    assert left == set(stays) - bundles
    assert not bucket.broken_trees()
    production = read_production(bucket.store, "ocr")
    assert production
    assert (production.version, production.predecessor) == (4, 3)
    assert load_record(bucket.store, "run-4").model.uri == bucket.store.uri("runs/run-4")


def test_what_a_run_in_use_needs_stays_however_old(bucket: UsedBucket) -> None:
    judged = bucket.add_run("old", "ocr", deploys=False)
    bucket.age(400)
    assert key(judged.train.uri) in expired(find_expired(bucket.store, KEEP_ONE, time.time()))
    bucket.store.put_json("evaluations/old/inputs.json", {**load(bucket, "old")})  # opened again
    decisions = find_expired(bucket.store, KEEP_ONE, time.time())
    stays = kept(decisions)
    assert stays[key(judged.train.uri)] == "needed by a run that is in use"
    assert stays[key(judged.spec.uri)] == "needed by a run that is in use"
    assert stays["runs/old"] == "younger than min_age_s"


def load(bucket: UsedBucket, run: str) -> dict[str, object]:
    return dict(bucket.store.get_json(f"evaluations/{run}/inputs.json"))


def test_parts_of_a_data_set_that_is_kept_stay(bucket: UsedBucket, tmp_path: Path) -> None:
    part, other = bucket.add_data("part"), bucket.add_data("other")
    bucket.age(400)
    entries = bucket.store.get_manifest(part.uri).files
    (tmp_path / "joined").mkdir()
    (tmp_path / "joined/manifest.json").write_text("{}")
    links = {"0/data.mdb": (entries["00000/data.mdb"], f"{key(part.uri)}/00000/data.mdb")}
    bucket.store.put_linked_tree(tmp_path / "joined", links, "datasets/joined/{digest}/lmdb")

    decisions = find_expired(bucket.store, KEEP_ONE, time.time())

    assert expired(decisions) == {key(other.uri)}
    assert kept(decisions)[key(part.uri)] == "holds shards of a data set that is kept"


@pytest.mark.parametrize(("days", "goes"), [(6, False), (8, True)])
def test_what_never_completed_goes_after_a_week(
    bucket: UsedBucket, days: float, goes: bool
) -> None:
    half = f"datasets/half/{'0' * 64}/lmdb"
    bucket.store.put_bytes(f"{half}/00000/data.mdb", b"x")
    bucket.store.put_bytes("leases/probe/0123", b"x")
    start_upload(bucket.store, "runs/r/latest.pdparams")
    start_upload(bucket.store, "sources/train.tar")

    decisions = collect_garbage(bucket.store, RetentionPolicy(), time.time() + days * DAY_S)

    names = {one.item.name.partition("?")[0] for one in decisions}
    assert names == ({half, "leases/probe/0123", "runs/r/latest.pdparams"} if goes else set())
    open_uploads = [item.key for item in bucket.store.client.uploads(bucket.store.bucket, "")]
    assert ("runs/r/latest.pdparams" in open_uploads) is not goes
    assert "sources/train.tar" in open_uploads  # a user's


def test_nothing_young_goes_whatever_the_policy_says(bucket: UsedBucket) -> None:
    bucket.add_run("run-1", "ocr", deploys=False)
    nothing = {
        f"{kind}_days": 0.0
        for kind in ("versions", "bundles", "runs", "predictions", "evaluations", "specs")
    }
    policy = RetentionPolicy(**nothing, feedback_days=0.0, keep_versions=0)
    assert not expired(find_expired(bucket.store, policy, time.time() + 6 * DAY_S))
    assert expired(find_expired(bucket.store, policy, time.time() + 8 * DAY_S))


def test_what_the_pipeline_did_not_write_stays(bucket: UsedBucket) -> None:
    keys = ["sources/train.tar", "datasets/receipts-feedback/labels.txt", "triton/README"]
    for name in [*keys, "feedback/ocr/2026-01-01/0123.json", "configs/own.yml"]:
        bucket.store.put_bytes(name, b"x")
    bucket.age(4000)
    decisions = collect_garbage(bucket.store, RetentionPolicy(), time.time())
    assert expired(decisions) == {"feedback/ocr/2026-01-01"}
    assert {item.key for item in bucket.store.list("")} - {"leases/gc/holder.json"} >= set(keys)


class _Killed(BaseException):
    """Ends a collection where a signal would."""


class _MortalStore(Store):
    """A store whose user is killed after `left` calls of `remove`."""

    left: int

    def remove(self, name: str) -> None:
        if self.left == 0 and not name.startswith("leases/"):
            raise _Killed
        self.left -= not name.startswith("leases/")
        super().remove(name)


def test_a_collection_killed_at_every_other_delete_goes_on(bucket: UsedBucket) -> None:
    for number in range(1, 4):
        bucket.add_run(f"run-{number}", "ocr")
    bucket.age(400)
    now = time.time()
    stays = set(kept(find_expired(bucket.store, KEEP_ONE, now)))
    mortal = _MortalStore(bucket.store.client, bucket.store.bucket)
    kills, is_done = 0, False
    while not is_done:
        mortal.left = 2
        try:
            collect_garbage(mortal, KEEP_ONE, now)
            is_done = True
        except _Killed:
            kills += 1
        assert not bucket.broken_trees()
    assert kills > 10
    decisions = find_expired(bucket.store, KEEP_ONE, now)
    assert not expired(decisions)
    assert set(kept(decisions)) == stays


def test_a_data_set_goes_before_those_whose_shards_it_holds(bucket: UsedBucket) -> None:
    part = bucket.add_data("a-part")
    joined = bucket.add_joined_data("joined", part)
    bucket.age(400)
    now = time.time()
    order = [decision.item.name for decision in find_expired(bucket.store, KEEP_ONE, now)]
    assert order == [joined, part.uri.removeprefix(bucket.store.uri(""))]
    mortal = _MortalStore(bucket.store.client, bucket.store.bucket)
    for _ in order:
        mortal.left = 2
        with suppress(_Killed):
            collect_garbage(mortal, KEEP_ONE, now)
        assert not bucket.broken_trees()


class _BusyStore(Store):
    """A store that another process uses at the first `remove`."""

    use: Callable[[], object] | None

    def remove(self, name: str) -> None:
        use, self.use = self.use, None
        if use:
            use()
        super().remove(name)


def test_what_is_used_while_a_collection_runs_stays(bucket: UsedBucket) -> None:
    judged = bucket.add_run("old", "ocr", deploys=False)
    bucket.age(400)
    busy = _BusyStore(bucket.store.client, bucket.store.bucket)
    busy.use = lambda: (bucket.add_data("old-train"), bucket.add_data("old-test"))

    deleted = expired(collect_garbage(busy, KEEP_ONE, time.time()))

    assert "runs/old" in deleted
    assert judged.validation
    assert key(judged.validation.uri) in deleted
    assert not {key(judged.train.uri), key(judged.test.uri)} & deleted
    assert bucket.store.get_manifest(judged.train.uri).digest == judged.train.digest
    assert not bucket.broken_trees()


class _RacedStore(Store):
    """A store that another process uses right after the first manifest of a data set is gone."""

    use: Callable[[], object] | None

    def remove(self, name: str) -> None:
        super().remove(name)
        if name.startswith("datasets/") and name.endswith("/tree-manifest.json") and self.use:
            use, self.use = self.use, None
            use()


def test_a_tree_that_is_back_while_it_is_deleted_stays(bucket: UsedBucket) -> None:
    data = bucket.add_data("raced")
    bucket.age(400)
    raced = _RacedStore(bucket.store.client, bucket.store.bucket)
    raced.use = lambda: bucket.add_data("raced")
    assert not collect_garbage(raced, KEEP_ONE, time.time())
    assert raced.use is None
    assert not bucket.broken_trees()
    assert bucket.store.get_manifest(data.uri).digest == data.digest


@pytest.mark.parametrize("name", ["gc", "deploy-ocr"])
def test_a_collection_that_lost_a_lease_deletes_nothing_more(
    bucket: UsedBucket, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds it while the first manifest of a version is being deleted."""
    monkeypatch.setattr(leases, "HOLD_S", 3.0)
    for number in range(1, 4):
        bucket.add_run(f"run-{number}", "ocr")
    bucket.age(400)
    first = Rule(held(), "DELETE", "*/tree-manifest.json")
    unrenewed = Rule(reset(), "PUT", f"leases/{name}/*", times=0)
    with (
        faulty_store(bucket.store, first, unrenewed, timeout_s=60) as store,
        ThreadPoolExecutor(1) as pool,
    ):
        collection = pool.submit(collect_garbage, store, KEEP_ONE, time.time())
        assert first.reached.wait(60)
        unrenewed.times = 999
        with store_lease(bucket.store, name):
            before = {item.key for item in bucket.store.list("") if "leases" not in item.key}
            first.release.set()
            with pytest.raises(LeaseLostError, match=f"leases/{name}/.*not renewed for"):
                collection.result(120)
            after = {item.key for item in bucket.store.list("")}
        unrenewed.times = unrenewed.injected
    (deleted,) = before - after
    assert deleted.endswith("/tree-manifest.json")


def test_a_damaged_document_ends_it_before_anything_is_deleted(bucket: UsedBucket) -> None:
    bucket.add_run("run-1", "ocr")
    bucket.age(400)
    bucket.store.put_bytes("specs/runs/run-1.json", b"{")
    before = [item.key for item in bucket.store.list("")]
    with pytest.raises(DigestError, match=r"specs/runs/run-1.json: not JSON"):
        collect_garbage(bucket.store, KEEP_ONE, time.time())
    assert [item.key for item in bucket.store.list("") if "leases" not in item.key] == before


def test_its_own_key_is_all_that_it_takes(
    bucket: UsedBucket, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        bucket.add_run(f"run-{number}", "ocr")
    bucket.store.put_bytes("feedback/ocr/2026-01-01/0123.json", b"{}")
    bucket.age(400)
    rights = access_policy("gc", bucket.store.bucket)
    with PolicyServer(s3_server.endpoint, rights) as server:
        monkeypatch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        own = Store.from_env()
        deleted = expired(collect_garbage(own, KEEP_ONE, store_time(own)))
    assert {"versions/ocr/1", "runs/run-1", "feedback/ocr/2026-01-01"} <= deleted


def test_a_bundle_outside_the_registry_is_named_with_its_version(
    bucket: UsedBucket, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 0.1 recorded it; the collection's own key reads bundles in the registry only."""
    bucket.add_run("run-1", "ocr")
    record = "registry/ocr/versions/1.json"
    bundle = bucket.store.uri("exports/one")
    bucket.store.put_json(record, {**bucket.store.get_json(record), "bundle": bundle})
    before = [item.key for item in bucket.store.list("") if "leases" not in item.key]
    rights = access_policy("gc", bucket.store.bucket)
    with PolicyServer(s3_server.endpoint, rights) as server:
        monkeypatch.setenv("OCR_S3_ENDPOINT", server.endpoint)
        with pytest.raises(RefusedError, match=r"^version 1 of ocr: .*exports/one.*ocr rollback"):
            collect_garbage(Store.from_env(), KEEP_ONE, time.time())
    assert [item.key for item in bucket.store.list("") if "leases" not in item.key] == before


def test_the_time_is_the_store_s(bucket: UsedBucket) -> None:
    assert store_time(bucket.store) == pytest.approx(time.time(), abs=60)
    bucket.store.put_json("specs/runs/r.json", {})
    assert store_time(bucket.store) == pytest.approx(time.time(), abs=60)
