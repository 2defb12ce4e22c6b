import pytest

from components.shared.store import Store
from components.train.group import STACKS, Group, News
from ocr_lib.errors import ServiceError


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"runs/{request.node.name}"


def group(store: Store, key: str, name: str, attempt: int = 1) -> Group:
    made = Group(store, key, attempt, name)
    made.join()
    return made


def test_a_peer_that_starts_is_no_news_one_that_starts_again_is(store: Store, key: str) -> None:
    first = group(store, key, "node-0")
    second = group(store, key, "node-1")
    assert first.news() == second.news() == News()
    second = group(store, key, "node-1")  # another container of the same machine
    assert first.news() == News(broken=True)
    assert first.news() == second.news() == News()


def test_starting_again_oneself_is_no_news_to_oneself(store: Store, key: str) -> None:
    group(store, key, "node-0")
    assert group(store, key, "node-0").news() == News()


def test_stacks_are_wanted_once_for_each_request(store: Store, key: str) -> None:
    first = group(store, key, "node-0")
    watcher = Group(store, key, 1, "watcher")
    watcher.mark(STACKS)
    assert first.news() == News(stacks=True)
    assert first.news() == News()
    watcher.mark(STACKS)
    assert first.news() == News(stacks=True)
    assert group(store, key, "node-1").news() == News()  # asked before it came


def test_attempts_do_not_hear_of_each_other_and_leave_nothing(store: Store, key: str) -> None:
    first = group(store, key, "node-0")
    second = group(store, key, "node-0", attempt=2)
    group(store, key, "node-1", attempt=2)
    assert first.news() == second.news() == News()
    second.dissolve()
    assert store.list(f"{key}/group/") == []


def test_a_store_that_is_away_tells_nothing(
    store: Store, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = group(store, key, "node-0")

    def away(prefix: str) -> None:
        raise ServiceError("away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "list", away)
        assert first.news() == News()
    group(store, key, "node-1")
    assert first.news() == News()
