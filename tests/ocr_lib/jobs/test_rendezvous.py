import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.jobs.rendezvous import STACKS, Rendezvous, RendezvousChange
from ocr_lib.storage.store import Store


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"runs/{request.node.name}"


def group(store: Store, key: str, name: str, attempt: int = 1, machines: int = 2) -> Rendezvous:
    made = Rendezvous(store, key, attempt, name, machines)
    made.join()
    return made


def test_machines_meet_once_all_have_joined(store: Store, key: str) -> None:
    first = group(store, key, "node-0")
    assert first.round_id() == ""
    second = group(store, key, "node-1")
    assert first.round_id() == second.round_id() != ""
    assert first.news() == second.news() == RendezvousChange()
    assert group(store, f"{key}-alone", "node-0", machines=1).round_id() != ""


def test_who_starts_again_changes_where_all_meet(store: Store, key: str) -> None:
    first, second = group(store, key, "node-0"), group(store, key, "node-1")
    former = first.round_id()
    assert second.round_id() == former
    second = group(store, key, "node-1")  # another container of the same machine
    assert first.news() == RendezvousChange(broken=True)
    assert first.news() == RendezvousChange(broken=True)  # until it has met the others again
    assert first.round_id() == second.round_id() != former
    assert first.news() == second.news() == RendezvousChange()


def test_who_has_yet_to_hear_of_a_start_is_not_met(store: Store, key: str) -> None:
    group(store, key, "node-1")
    first = group(store, key, "node-0")
    early = first.round_id()  # with the former start of the second one
    second = group(store, key, "node-1")
    assert second.round_id() != early
    assert (
        second.news() == RendezvousChange()
    )  # nothing will tell it that the first one comes again
    assert first.news() == RendezvousChange(broken=True)
    assert first.round_id() == second.round_id()


def test_a_pod_that_was_replaced_meets_nobody(store: Store, key: str) -> None:
    lost = group(store, key, "node-0")
    second = group(store, key, "node-1")
    first = group(store, key, "node-0")
    assert first.round_id() == second.round_id() != ""
    assert lost.round_id() not in ("", first.round_id())
    assert lost.news() == RendezvousChange()


def test_stacks_are_wanted_once_for_each_request(store: Store, key: str) -> None:
    first = group(store, key, "node-0", machines=1)
    watcher = Rendezvous(store, key, 1, "watcher")
    assert first.round_id()
    watcher.mark(STACKS)
    assert first.news() == RendezvousChange(stacks=True)
    assert first.news() == RendezvousChange()
    watcher.mark(STACKS)
    assert first.news() == RendezvousChange(stacks=True)
    assert first.round_id()
    assert first.news() == RendezvousChange()  # asked for before they met


def test_attempts_do_not_hear_of_each_other_and_leave_nothing(store: Store, key: str) -> None:
    first, second = (group(store, key, "node-0", attempt, machines=1) for attempt in (1, 2))
    assert first.round_id() != second.round_id() != ""
    group(store, key, "node-0", attempt=2)
    assert first.news() == RendezvousChange()
    second.dissolve()
    assert store.list(f"{key}/group/") == []
    assert first.news() == RendezvousChange()


def test_a_store_that_is_away_tells_nothing(
    store: Store, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = group(store, key, "node-0")
    group(store, key, "node-1")
    assert first.round_id()
    group(store, key, "node-1")

    def away(prefix: str) -> None:
        raise ServiceError("away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "list", away)
        assert first.news() == RendezvousChange()
    assert first.news() == RendezvousChange(broken=True)
