"""Who may change what serves: the store refuses the others, whatever happens to its answers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocr_lib.child_process import die_with_parent
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.registry.pointer import PointerLease, UnknownOutcomeError, deploying, pointer_lease
from ocr_lib.registry.production import (
    Production,
    VersionRecord,
    claim_production,
    promoted,
    read_production,
    write_production,
)
from ocr_lib.storage import s3, store_lease
from ocr_lib.storage.s3 import ConflictError, UnansweredError
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import LeaseLostError
from tests.fault_proxy import Rule, faulty_store, held, lost_answer, reset

HOLD_S = 2.0
# Takes the lease of a model, says so, and writes version 9 when it is told to.
HOLDER = f"""
import sys
from ocr_lib.registry.pointer import pointer_lease
from ocr_lib.registry.production import VersionRecord, promoted
from ocr_lib.storage import store_lease
from ocr_lib.storage.store import Store
store_lease.HOLD_S = {HOLD_S}
model = sys.argv[1]
with pointer_lease(Store.from_env(), model) as pointer:
    print("held", flush=True)
    sys.stdin.readline()
    record = VersionRecord(9, "s3://b/9", "digest-9", "2026-01-01")
    try:
        print("wrote", pointer.write(promoted(model, record, pointer.production)).version)
    except Exception as error:
        print(type(error).__name__, error)
"""


def version(number: int, model: str, former: Production | None = None) -> Production:
    record = VersionRecord(number, f"s3://b/{number}", f"digest-{number}", "2026-01-01")
    return promoted(model, record, former)


def promote(pointer: PointerLease, number: int) -> Production:
    return pointer.write(version(number, pointer.model, pointer.production))


def serving(store: Store, model: str) -> int | None:
    production = read_production(store, model)
    return production and production.version


def test_who_takes_the_lease_takes_the_next_generation(any_store: Store) -> None:
    with pointer_lease(any_store, "counted") as pointer:
        assert pointer.production is None
        first = promote(pointer, 1)
    assert (first.generation, serving(any_store, "counted")) == (1, 1)
    for generation in (2, 3):
        with pointer_lease(any_store, "counted") as pointer:
            pointer.check()
            stored = read_production(any_store, "counted")
            assert stored == first  # what serves is the same
            assert stored is not None
            assert (stored.generation, stored.holder) == (generation, pointer.holder)
    with pointer_lease(any_store, "counted") as pointer:
        assert [promote(pointer, number).generation for number in (2, 3)] == [4, 4]
    with (
        deploying(any_store, "counted"),
        pytest.raises(ConflictError, match="held by another"),
        pointer_lease(any_store, "counted", wait_s=0),
    ):
        pass


def test_what_0_1_wrote_is_generation_nought_and_keeps_its_fields(store: Store) -> None:
    path = Path("tests/upgrade/v0_1/registry/production.json")
    former = json.loads(path.read_bytes())
    store.put_json("registry/lines/production.json", {**former, "later": "field"})
    with pointer_lease(store, "lines") as pointer:
        holder = pointer.holder
    claimed = store.get_json("registry/lines/production.json")
    assert claimed == {**former, "later": "field", "generation": 1, "holder": holder}


def test_the_store_refuses_a_holder_that_was_followed(any_store: Store) -> None:
    write_production(any_store, version(1, "followed"), None)
    with pointer_lease(any_store, "followed") as pointer:
        claim_production(any_store, "followed", "successor")  # and it has written nothing yet
        with pytest.raises(LeaseLostError, match="another deployment changed production"):
            promote(pointer, 2)
    assert serving(any_store, "followed") == 1


def test_the_store_refuses_a_first_version_where_there_is_one(any_store: Store) -> None:
    with pointer_lease(any_store, "first") as pointer:
        write_production(any_store, version(1, "first"), None)
        with pytest.raises(LeaseLostError):
            promote(pointer, 2)
    assert serving(any_store, "first") == 1


def test_equal_claims_of_two_holders_are_told_apart(any_store: Store) -> None:
    """Entity tags are digests of the content: equal contents would let a stale holder through."""
    write_production(any_store, version(1, "twins"), None)
    _, etag = claim_production(any_store, "twins", "one")
    write_production(any_store, version(1, "twins"), etag)  # as a client of 0.1 leaves it
    _, other = claim_production(any_store, "twins", "two")
    assert etag != other


@pytest.mark.parametrize("former", [None, 1])
@pytest.mark.parametrize("unread", [0, 2])
def test_a_write_whose_answer_is_lost_is_done_once(
    any_store: Store, former: int | None, unread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the store cannot be read at first to see what became of it."""
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    model = f"lost-{former}-{unread}"
    key, after = f"registry/{model}/production.json", 0
    if former:
        write_production(any_store, version(former, model), None)
        after = 1  # the claim
    lost = Rule(lost_answer(), "PUT", key, skip=after)
    unreadable = Rule(reset(), "GET", key, times=unread, skip=1)
    with (
        faulty_store(any_store, lost, unreadable) as store,
        pointer_lease(store, model) as pointer,
    ):
        written = promote(pointer, 2)
        assert lost.statuses == [200]
        assert promote(pointer, 3).version == 3  # by the entity tag of the one before
    assert written.version == 2
    assert serving(any_store, model) == 3


def test_a_claim_whose_answer_is_lost_is_made_once(any_store: Store) -> None:
    write_production(any_store, version(1, "claimed"), None)
    lost = Rule(lost_answer(), "PUT", "registry/claimed/production.json")
    with faulty_store(any_store, lost) as store, pointer_lease(store, "claimed") as pointer:
        assert promote(pointer, 2).generation == 1
    assert serving(any_store, "claimed") == 2


@pytest.mark.parametrize("fault", ["one write", "writes", "writes and reads"])
def test_what_a_store_does_not_say_is_not_guessed(
    any_store: Store, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the former content proves nothing: a write may still be on its way."""
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    monkeypatch.setattr("ocr_lib.registry.pointer.SETTLE_S", 0.0)
    model = f"unsaid-{fault.replace(' ', '-')}"
    key = f"registry/{model}/production.json"
    write_production(any_store, version(1, model), None)
    unwritten = Rule(reset(), "PUT", key, times=0)
    unread = Rule(reset(), "GET", key, times=0)
    with (
        faulty_store(any_store, unwritten, unread) as store,
        pointer_lease(store, model) as pointer,
    ):
        unwritten.times = 1 if fault == "one write" else 99
        unread.times = 99 if fault == "writes and reads" else 0
        expected = UnansweredError if fault == "one write" else UnknownOutcomeError
        with pytest.raises(expected) as raised:
            promote(pointer, 2)
        assert unwritten.injected >= 1
        unwritten.times, unread.times = unwritten.injected, unread.injected
    assert isinstance(raised.value, expected)
    assert serving(any_store, model) == 1


@pytest.mark.parametrize("former", [None, 1])
def test_a_write_that_is_reported_as_not_done_never_arrives(
    conditional_store: Store, former: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is queued before the store; the former content can be read all the while."""
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    monkeypatch.setattr("ocr_lib.registry.pointer.SETTLE_S", 0.0)
    monkeypatch.setattr(store_lease, "CALL_S", 1.0)
    model = f"queued-{former}"
    if former:
        write_production(conditional_store, version(former, model), None)
    key = f"registry/{model}/production.json"
    queued = Rule(held(), "PUT", key, skip=1 if former else 0)
    with (
        faulty_store(conditional_store, queued) as store,
        pointer_lease(store, model) as pointer,
    ):
        with pytest.raises(UnansweredError if former else UnknownOutcomeError):
            promote(pointer, 2)
        queued.release.set()
        poll_until(lambda: queued.statuses, "the queued write to arrive", 60.0, Pauses(0.05))
        assert queued.statuses == [412 if former else 200]
        if former:
            assert serving(conditional_store, model) == former
            assert promote(pointer, 3).version == 3  # by the entity tag of the fence


@contextmanager
def holder(store: Store, model: str) -> Iterator[subprocess.Popen[str]]:
    """Runs `HOLDER` at the store's endpoint; it holds the lease when this yields."""
    command = die_with_parent([sys.executable, "-c", HOLDER, model])
    environment = {**os.environ, "OCR_S3_ENDPOINT": store.client.endpoint}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def pause(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGSTOP)
    state = Path(f"/proc/{process.pid}/stat")
    stopped = lambda: state.read_text().rpartition(")")[2].split()[0] == "T"  # noqa: E731
    poll_until(stopped, "the holder to stop", 60.0, Pauses(0.01))


def succeed(store: Store, model: str) -> None:
    """Takes the lease after a holder that is taken for dead, and writes version 2."""
    with pointer_lease(store, model, wait_s=120) as pointer:
        promote(pointer, 2)


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("write\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("former", [None, 1])
def test_a_holder_that_is_paused_is_told_when_it_goes_on(
    any_store: Store, former: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_lease, "HOLD_S", HOLD_S)
    model = f"paused-{former}"
    if former:
        write_production(any_store, version(former, model), None)
    with holder(any_store, model) as process:
        pause(process)
        succeed(any_store, model)
        process.send_signal(signal.SIGCONT)
        tell(process)
        assert answer(process).startswith("LeaseLostError")
    assert serving(any_store, model) == 2


@pytest.mark.parametrize("former", [None, 1])
def test_a_write_that_arrives_late_is_refused_by_the_store(
    conditional_store: Store, former: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause comes after every check: the write is on its way already."""
    monkeypatch.setattr(store_lease, "HOLD_S", HOLD_S)
    model = f"late-{former}"
    if former:
        write_production(conditional_store, version(former, model), None)
    key = f"registry/{model}/production.json"
    late = Rule(held(), "PUT", key, skip=1 if former else 0)
    with faulty_store(conditional_store, late) as store, holder(store, model) as process:
        tell(process)
        assert late.reached.wait(60)
        pause(process)
        succeed(conditional_store, model)
        late.release.set()
        poll_until(lambda: late.statuses, "the late write to arrive", 60.0, Pauses(0.05))
        assert late.statuses == [412]
        process.send_signal(signal.SIGCONT)
        assert answer(process).startswith("LeaseLostError")
    assert serving(conditional_store, model) == 2
