"""The watcher on made-up looks: what is said, when patience ends, what is not mistaken for what."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ocr_lib.jobs.watch import DUMP_S, Observation, WatchState, advance, condition
from ocr_lib.runspec.job_options import JobOptions
from tests.ocr_lib.jobs.cluster_objects import container, ended, job, pod

OPTIONS = JobOptions(pending_minutes=10, image_minutes=5, stall_minutes=20)
RUNNING = job("Created", "Running")
UP = {"containerStatuses": container(state={"running": {}})}


def watch(*looks: Observation) -> list[WatchState]:
    seen, watch = [], WatchState()
    for look in looks:
        watch = advance(watch, look, OPTIONS)
        seen.append(watch)
        if watch.end:
            break
    return seen


def unschedulable(at: float) -> Observation:
    conditions = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU"}
    ]
    return Observation(at, job("Created"), (pod(0, "Pending", conditions=conditions),))


def failed_with(code: int, message: str = "", **state: Any) -> tuple[Any, ...]:
    status = container(1, lastState=ended(code, message, **state))
    return (pod(0, containerStatuses=status),)


def test_a_condition_counts_by_type_and_status_not_by_place() -> None:
    assert condition(job("Succeeded", "Running=False"), "Succeeded")
    assert condition(job("Running=False"), "Running") is None
    (last,) = watch(Observation(0, job("Created", "Succeeded", "Running=False")))
    assert last.end is not None
    assert last.end.result == "succeeded"


def test_a_wait_is_said_at_once_and_once_and_ends_with_patience() -> None:
    first, second, last = watch(unschedulable(0), unschedulable(599), unschedulable(600))
    assert "no node takes it: no GPU" in first.say[0]
    assert second.say == ()
    assert second.end is None
    assert last.end is not None
    assert (last.end.result, last.end.kind) == ("failed", "unschedulable")
    assert "Given up after 10 min" in last.end.reason


def test_patience_begins_anew_when_the_wait_was_over() -> None:
    between = Observation(500, RUNNING, (pod(0, **UP),))
    last = watch(unschedulable(0), between, unschedulable(900), unschedulable(1400))[-1]
    assert last.end is None


def test_a_queue_may_take_its_time() -> None:
    looks = [Observation(at, job("Created", "Suspended")) for at in (0, 10_000, 100_000)]
    assert watch(*looks)[-1].end is None


def test_what_repeats_itself_ends_the_job_at_once() -> None:
    said = json.dumps({"kind": "data", "cause": "labels.txt:7: no tab"})
    (last,) = watch(Observation(0, RUNNING, failed_with(2, said)))
    assert last.end is not None
    assert (last.end.result, last.end.kind) == ("failed", "data")
    assert "labels.txt:7: no tab" in last.end.reason


def test_a_crash_is_the_kubelets_until_the_operator_gives_up() -> None:
    crashed = Observation(0, RUNNING, failed_with(250, "aborted"))
    gone = Observation(5, job("Failed", message="job has reached the specified backoff limit"))
    going, last = watch(crashed, gone)
    assert going.end is None
    assert any("restarted in place" in line for line in going.say)
    assert last.end is not None
    assert last.end.result == "again"
    assert "exit code 250: aborted" in last.end.reason  # though its pod is gone
    assert "backoff limit" in last.end.reason


def test_the_reason_is_the_worst_not_the_last() -> None:
    oom = pod(0, "Failed", containerStatuses=container(state=ended(137, reason="OOMKilled")))
    watched = advance(WatchState(), Observation(0, job("Created"), ()), OPTIONS)
    watched = advance(
        watched, Observation(1, job("Failed", message="a pod failed"), (oom,)), OPTIONS
    )
    assert watched.end is not None
    assert (watched.end.result, watched.end.kind) == ("failed", "oom")


def test_keys_that_stay_refused_are_not_waited_for() -> None:
    """Another secret may help when the worker starts again; not after three times."""
    text = json.dumps({"kind": "keys", "cause": "cannot read: InvalidAccessKeyId."})

    def at(count: int) -> Observation:
        status = container(count, lastState=ended(1, text, number=count))
        return Observation(float(count), RUNNING, (pod(0, containerStatuses=status),))

    last = watch(*map(at, range(1, 9)))[-1]
    assert last.restarts == {"u0": 3}
    assert last.end is not None
    assert (last.end.result, last.end.kind) == ("failed", "keys")
    assert "worker-0: cannot read: InvalidAccessKeyId. Then run it again." in last.end.reason


def test_a_deadline_is_not_repeated() -> None:
    message = "Job a has failed because it was active longer than specified deadline"
    (last,) = watch(Observation(0, job("Failed", message=message)))
    assert last.end is not None
    assert (last.end.result, last.end.kind) == ("failed", "deadline")


def test_a_job_that_is_deleted_is_not_waited_for() -> None:
    assert watch(Observation(0, RUNNING, (pod(**UP),)), Observation(5, None))[-1].end is not None


def test_a_job_that_nobody_looks_after_is_given_up() -> None:
    looks = [Observation(at, job()) for at in (0, 60, 120)]
    last = watch(*looks)[-1]
    assert last.end is not None
    assert last.end.kind == "operator"


def test_standing_still_asks_for_stacks_first_then_starts_again() -> None:
    def at(moment: float) -> Observation:
        return Observation(moment, RUNNING, (pod(**UP),), progress_at=100.0)

    looks = watch(at(100), at(1299), at(1300), at(1301), at(1301 + DUMP_S))
    assert [item.dump for item in looks] == [False, False, True, False, False]
    assert looks[3].end is None
    assert looks[4].end is not None
    assert (looks[4].end.result, looks[4].end.kind) == ("again", "stalled")


def test_while_the_store_does_not_answer_nothing_stands_still() -> None:
    """The heartbeat is there: what it would say is not known. Once it is, waiting begins again."""
    silent = Observation(100, RUNNING, (pod(**UP),), progress_at=100.0)
    away = replace(silent, store_reachable=False)
    looks = [replace(away, at=moment) for moment in (1300, 9000)]
    back = [replace(silent, at=moment) for moment in (9001, 10199, 10200)]
    dumps = [item.dump for item in watch(silent, *looks, *back)]
    assert dumps == [False, False, False, False, False, True]
    seen = watch(silent, replace(silent, at=1300), replace(away, at=1300 + DUMP_S))
    assert (seen[1].dump, seen[2].end) == (True, None)  # asked for stacks, then away


def test_going_on_after_the_stacks_is_going_on() -> None:
    still = Observation(1300, RUNNING, (pod(**UP),), progress_at=100.0)
    again = replace(still, at=1310, progress_at=1305.0)
    later = replace(again, at=1400)
    assert watch(replace(still, at=100), still, again, later)[-1].end is None


@pytest.mark.parametrize("change", ["restart", "replaced", "pending"])
def test_a_group_that_is_re_forming_does_not_stand_still(change: str) -> None:
    changed = {
        "restart": pod(containerStatuses=container(1, state={"running": {}})),
        "replaced": pod(uid="another", **UP),
        "pending": pod(phase="Pending"),
    }[change]
    looks = [
        Observation(0, RUNNING, (pod(**UP),), progress_at=0.0),
        Observation(1190, RUNNING, (changed,), progress_at=0.0),
        Observation(1300, RUNNING, (pod(uid=changed["metadata"]["uid"], **UP),), progress_at=0.0),
    ]
    assert [item.dump for item in watch(*looks)] == [False, False, False]
