"""What a real operator did, replayed through the watcher; see `recorded.py`."""

from dataclasses import replace

import pytest

from ocr_lib.jobs.watch import DUMP_S, Observation, WatchState, advance, condition
from ocr_lib.runspec.job_options import JobOptions
from tests.ocr_lib.jobs.recorded import load

IMPATIENT = JobOptions(pending_minutes=0.2, image_minutes=0.2)
RESTLESS = JobOptions(stall_minutes=1.5)
DISTURBED = [
    "a-rank-that-is-frozen-is-missed-by-the-others",
    "a-step-that-is-killed-and-starts-again-adopts-its-job",
    "a-worker-is-deleted-0",
    "a-worker-is-deleted-1",
    "a-worker-is-evicted",
    "a-worker-is-killed-without-grace",
    "the-object-store-is-away-for-a-minute",
]


def replay(looks: list[Observation], options: JobOptions) -> tuple[WatchState, str]:
    """Returns the last watch and all that was said."""
    watch, said = WatchState(), []
    for look in looks:
        watch = advance(watch, look, options)
        said += watch.say
        if watch.end:
            break
    return watch, "\n".join(said)


@pytest.mark.parametrize("name", ["undisturbed", *DISTURBED])
def test_what_the_group_survives_is_no_end(name: str) -> None:
    watch, _ = replay(load(name), JobOptions())
    assert watch.end is not None
    assert watch.end.result == "succeeded"


def test_an_eviction_is_said() -> None:
    _, said = replay(load("a-worker-is-evicted"), JobOptions())
    assert "worker-1: evicted (EvictionByEvictionAPI" in said


def test_a_job_that_is_gone_is_said_to_be_so() -> None:
    ended = [look for look in load("ttl") if look.job and condition(look.job, "Succeeded")]
    unseen = [look for look in load("ttl") if look not in ended]
    assert ended
    for looks in (load("deleted"), unseen):
        watch, _ = replay(looks, JobOptions())
        assert watch.end is not None
        assert (watch.end.result, watch.end.kind) == ("gone", "deleted")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("oom", "it needed more memory than its limit"),
        ("unschedulable", "no node takes it"),
        ("image", "cannot be pulled"),
        ("data", "/nowhere/dictionary.txt"),
        ("nonfinite", "the loss is not finite at step"),
    ],
)
def test_what_cannot_work_ends_with_its_kind_and_words(name: str, words: str) -> None:
    watch, said = replay(load(name), IMPATIENT)
    assert watch.end is not None
    assert (watch.end.result, watch.end.kind) == ("failed", name)
    assert words in watch.end.reason
    assert words in said


def test_patience_is_what_the_options_say() -> None:
    for name in ("unschedulable", "image"):
        watch, said = replay(load(name), JobOptions())
        assert watch.end is None
        assert said.count("\n") == 0  # said once for all workers


def test_a_group_that_stands_still_is_asked_for_stacks_then_started_again() -> None:
    looks = load("a-group-that-stands-still-is-started-again")
    looks.append(replace(looks[-1], at=looks[-1].at + DUMP_S))  # recordings are thinned out
    watch, said = replay(looks, RESTLESS)
    assert watch.end is not None
    assert (watch.end.result, watch.end.kind) == ("again", "stalled")
    assert said.count("asking the workers for their stacks") == 1


def test_looks_that_come_late_or_twice_change_nothing() -> None:
    looks = load("undisturbed")
    often = [replace(look, at=look.at + shift) for look in looks for shift in (0.0, 0.01)]
    seldom = [*looks[::7], looks[-1]]
    for some in (often, seldom):
        watch, _ = replay(some, JobOptions())
        assert watch.end is not None
        assert watch.end.result == "succeeded"
