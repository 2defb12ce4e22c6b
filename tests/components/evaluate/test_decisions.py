import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.evaluate.decisions import record_decision
from ocr_lib.storage.store import Store


@pytest.fixture
def test_set() -> str:
    return secrets.token_hex(32)


def test_refusals_count_and_every_test_set_counts_for_itself(store: Store, test_set: str) -> None:
    passed = [True, False, False]
    counts = [
        record_decision(store, test_set, f"run-{i}", {"passed": p}) for i, p in enumerate(passed)
    ]
    assert counts == [1, 2, 3]
    assert record_decision(store, secrets.token_hex(32), "run-0", {"passed": True}) == 1
    assert store.get_json(f"decisions/{test_set}/run-1.json") == {"passed": False}


def test_a_run_that_is_judged_again_counts_once_and_its_first_verdict_stays(
    store: Store, test_set: str
) -> None:
    assert record_decision(store, test_set, "run", {"passed": False}) == 1
    assert record_decision(store, test_set, "run", {"passed": True}) == 1
    assert store.get_json(f"decisions/{test_set}/run.json") == {"passed": False}


def test_runs_that_end_at_the_same_time_are_all_counted(store: Store, test_set: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        for i in range(8):
            pool.submit(record_decision, store, test_set, f"run-{i}", {"passed": True})
    assert record_decision(store, test_set, "run-0", {}) == 8
