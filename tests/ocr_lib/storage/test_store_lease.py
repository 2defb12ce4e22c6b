"""The lease by both of its methods: by conditional writes, and by listing where those fail."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from ocr_lib.polling import Pauses, poll_until
from ocr_lib.storage import store_lease as module
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import (
    FREE,
    BothLeases,
    ConditionalLease,
    LeaseLostError,
    ListedLease,
    StoreLease,
    store_lease,
)
from tests.conditional_s3 import conditional_s3
from tests.fault_proxy import Rule, faulty_store, silent
from tests.service_fixtures import named_store


def held(store: Store, name: str) -> list[str]:
    """Returns the objects of a lease that are not free."""
    keys = [item.key for item in store.list(f"leases/{name}/")]
    return [key for key in keys if store.get_json(key) != FREE]


def test_a_lease_has_one_holder(any_store: Store) -> None:
    with store_lease(any_store, "deploy"):
        with (
            pytest.raises(ConflictError, match=r"waited 0\.3 s for .*deploy: held by another"),
            store_lease(any_store, "deploy", wait_s=0.3),
        ):
            pass
        with store_lease(any_store, "other", wait_s=0):
            pass
    with store_lease(any_store, "deploy", wait_s=0):
        assert len(held(any_store, "deploy")) == 1 + any_store.honours_conditions(module.PROBES)
    assert held(any_store, "deploy") == []


def test_the_method_follows_from_what_the_store_honours(
    store: Store, conditional_store: Store
) -> None:
    with store_lease(store, "method"):
        assert "leases/method/holder.json" not in held(store, "method")
    with store_lease(conditional_store, "method"):
        assert "leases/method/holder.json" in held(conditional_store, "method")


def test_clients_of_0_1_and_of_today_exclude_each_other(
    conditional_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of 0.1 only list, whatever the store honours."""
    monkeypatch.setattr(module, "HOLD_S", 2.0)
    with store_lease(conditional_store, "mixed"):
        assert not ListedLease(conditional_store, "leases/mixed/").take()
    old = ListedLease(conditional_store, "leases/mixed/")
    poll_until(old.take, "what the lease left to age", 60.0, Pauses(0.2))
    with (
        pytest.raises(ConflictError, match="held by another process"),
        store_lease(conditional_store, "mixed", wait_s=0),
    ):
        pass
    assert held(conditional_store, "mixed") == [old.key]
    old.give_back()
    with store_lease(conditional_store, "mixed", wait_s=0):
        pass


def test_a_store_that_ignores_conditions_is_probed_and_named_once(
    store: Store, conditional_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for each in (store, conditional_store):
        for name in ("first", "second"):
            with store_lease(each, name):
                pass
    (record,) = [record for record in caplog.records if "conditional" in record.message]
    assert store.client.endpoint in record.message
    assert store.list(module.PROBES) == conditional_store.list(module.PROBES) == []


def test_a_lease_is_renewed_after_an_error_of_any_kind(
    any_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    any_store.honours_conditions(module.PROBES)
    monkeypatch.setattr(module, "HOLD_S", 1.5)
    written = threading.Semaphore(0)
    errors: list[Exception] = []

    def failing(kind: type[BothLeases] | type[ListedLease]) -> None:
        renew = kind.renew

        def renewing(lease: BothLeases) -> None:
            if errors:
                raise errors.pop()
            renew(lease)
            written.release()

        monkeypatch.setattr(kind, "renew", renewing)

    failing(BothLeases)
    failing(ListedLease)
    with store_lease(any_store, "renewed"):
        assert written.acquire(timeout=60)
        errors.append(ValueError("not a date"))
        for _ in range(3):
            assert written.acquire(timeout=60)
        assert errors == []
    said = caplog.text
    assert "leases/renewed/" in said
    assert "not renewed: not a date\n" in said


def test_a_dead_holder_is_followed(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    any_store.put_json("leases/dead/holder.json", {"holder": "gone"})
    aged = lambda: (any_store.age_s("leases/dead/holder.json") or 0) > 1.5  # noqa: E731
    poll_until(aged, "the object to age", 60.0, Pauses(0.2))  # a store's clock may tick in seconds
    monkeypatch.setattr(module, "HOLD_S", 0.5)
    with store_lease(any_store, "dead", wait_s=0):
        items = any_store.list("leases/dead/")
        assert "gone" not in [any_store.get_json(item.key).get("holder") for item in items]


def test_a_holder_that_was_taken_for_dead_neither_renews_nor_frees(
    conditional_store: Store,
) -> None:
    key = "leases/slow/holder.json"
    slow = ConditionalLease(conditional_store, key)
    assert slow.take()
    conditional_store.put_json(key, {"holder": "successor"})
    with pytest.raises(ConflictError):
        slow.renew()
    slow.give_back()
    assert conditional_store.get_json(key) == {"holder": "successor"}


def is_held(lease: StoreLease) -> bool:
    try:
        lease.check()
    except LeaseLostError:
        return False
    return True


def test_a_holder_is_told_that_it_was_followed(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_store.honours_conditions(module.PROBES)
    monkeypatch.setattr(module, "RENEWALS", 600)  # every 0.1 s
    with store_lease(any_store, "followed") as lease:
        lease.check()
        for key in held(any_store, "followed"):  # as a client does that takes it for dead
            if key.endswith("holder.json"):
                any_store.put_json(key, {"holder": "successor"})
            else:
                any_store.remove(key)
        poll_until(lambda: not is_held(lease), "the renewal to tell", 60.0, Pauses(0.05))
        with pytest.raises(LeaseLostError, match=r"leases/followed/.*: taken by another process"):
            lease.check()


def test_a_holder_whose_store_is_silent_is_told_when_the_lease_ends(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_store.honours_conditions(module.PROBES)
    monkeypatch.setattr(module, "HOLD_S", 1.0)
    unheard = Rule(silent(), "PUT", "leases/silent/*", times=0)
    with faulty_store(any_store, unheard) as store, store_lease(store, "silent") as lease:
        lease.check()
        unheard.times = 1
        assert unheard.reached.wait(60)
        unheard.times = 10_000
        poll_until(lambda: not is_held(lease), "the lease to end", 60.0, Pauses(0.05))
        with pytest.raises(LeaseLostError, match=r"not renewed for \d+ s, so another process may"):
            lease.check()
        unheard.times = unheard.injected
    with store_lease(any_store, "silent", wait_s=30):
        pass


def test_a_renewal_without_an_answer_leaves_time_for_the_next(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However patient the store's client is in everything else."""
    any_store.honours_conditions(module.PROBES)
    monkeypatch.setattr(module, "HOLD_S", 6.0)
    monkeypatch.setattr(module, "CALL_S", 0.5)
    unheard = Rule(silent(), "PUT", "leases/patient/*", times=0)
    with (
        faulty_store(any_store, unheard, timeout_s=30.0) as store,
        store_lease(store, "patient") as lease,
    ):
        began = module.seconds_since_boot()
        unheard.times = 1
        assert unheard.reached.wait(60)
        renewed = lambda: lease._renewed_at > began + 1  # noqa: E731
        poll_until(renewed, "another renewal", 60.0, Pauses(0.05))
        lease.check()


def test_a_renewal_of_unknown_outcome_does_not_lose_the_lease(conditional_store: Store) -> None:
    lease = ConditionalLease(conditional_store, "leases/unknown/holder.json")
    assert lease.take()
    own = conditional_store.get_json(lease.key)
    conditional_store.put_json(lease.key, {**own, "renewals": 99})  # written, answer lost
    lease.renew()
    lease.renew()
    lease.give_back()
    assert conditional_store.get_json(lease.key) == FREE


def test_a_last_renewal_of_unknown_outcome_does_not_keep_the_lease(
    conditional_store: Store,
) -> None:
    lease = ConditionalLease(conditional_store, "leases/last/holder.json")
    assert lease.take()
    value = conditional_store.get_json(lease.key)
    conditional_store.put_json(lease.key, {**value, "renewals": 99})  # written, answer lost
    lease.give_back()
    assert conditional_store.get_json(lease.key) == FREE


def test_a_lease_whose_object_is_gone_is_given_back(conditional_store: Store) -> None:
    lease = ConditionalLease(conditional_store, "leases/removed/holder.json")
    assert lease.take()
    conditional_store.remove(lease.key)
    lease.give_back()
    assert not conditional_store.exists(lease.key)


@pytest.mark.parametrize("kind", ["rclone", "moto"])
def test_a_store_away_at_the_end_does_not_replace_the_outcome(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run(error: Exception | None) -> None:
        with ExitStack() as server:
            if kind == "rclone":
                environment = server.enter_context(S3Server(tmp_path)).environment()
            else:
                environment = server.enter_context(conditional_s3(kind, tmp_path))
            store = named_store(environment, monkeypatch)
            with store_lease(store, "away"):
                server.close()
                if error:
                    raise error

    run(None)
    assert "leases/away/" in caplog.text
    assert "not given back, it ends in 60 s: " in caplog.text
    with pytest.raises(ValueError, match="the real error"):
        run(ValueError("the real error"))


def test_contenders_take_turns(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    inside, seen = [], []

    def contend() -> None:
        with store_lease(any_store, "turns"):
            inside.append(1)
            seen.append(len(inside))
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(contend) for _ in range(6)]:
            job.result()
    assert seen == [1] * 6


def test_one_of_fifty_contenders_holds_the_lease(conditional_store: Store) -> None:
    key = "leases/fifty/holder.json"
    start = threading.Barrier(50)
    leases = [ConditionalLease(conditional_store, key) for _ in range(50)]

    def contend(lease: ConditionalLease) -> bool:
        start.wait(60)
        return lease.take()

    for _ in range(2):  # taken by creating it, then by replacing what was given back
        with ThreadPoolExecutor(50) as pool:
            taken = list(pool.map(contend, leases))
        assert taken.count(True) == 1
        leases[taken.index(True)].give_back()


def test_a_lease_is_given_back_when_its_block_fails(any_store: Store) -> None:
    with pytest.raises(ValueError, match="failed"), store_lease(any_store, "failing"):
        raise ValueError("failed")
    assert held(any_store, "failing") == []
