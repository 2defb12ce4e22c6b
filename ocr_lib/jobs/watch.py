"""Watching a training job: a pure step from one look at the cluster to the next.

Nothing here asks the cluster or waits. A look is what was seen at one moment; what must be
remembered between looks (who waits since when, what was reported) is in `WatchState`. So recorded
sequences of looks can be replayed, and clocks made up.

Source: conditions and counting of restarts as the training operator 1.8 and 1.9 sets them: a
condition counts by its type while its status is True, whatever its place in the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ocr_lib.jobs.diagnosis import (
    FINAL,
    REPEATED,
    WAITING,
    Diagnosis,
    grouped,
    name_of,
    read_events,
    read_pods,
    restarts,
)
from ocr_lib.runspec.job_options import JobOptions

Tree = Mapping[str, Any]
Result = Literal["succeeded", "failed", "again", "gone"]
MAX_RESTARTS = 3  # of a worker, before what ended it is taken to repeat itself
IGNORED_S = 120.0  # no condition after this long: no operator handles the job
DUMP_S = 40.0  # between asking for stacks and ending the job


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen at one moment.

    Attributes:
        at: when, in seconds of any clock.
        job: the PaddleJob; None where there is none.
        pods: its pods.
        events: of the job.
        progress_at: when the job's heartbeat last changed; None before the first one.
        store_reachable: whether the store, which holds the heartbeat, answered.
    """

    at: float
    job: Tree | None
    pods: tuple[Tree, ...] = ()
    events: tuple[Tree, ...] = ()
    progress_at: float | None = None
    store_reachable: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How watching ended.

    Attributes:
        result: `again` asks for the whole job to be restarted from its last checkpoint.
        reason: in plain words; empty after success.
        kind: of the finding behind it, or `stalled`, `deadline`, `deleted`, `operator`, `crash`.
        progress: how far it was, by its last heartbeat.
    """

    result: Result
    reason: str = ""
    kind: str = ""
    progress: str = ""


@dataclass(frozen=True, slots=True)
class WatchState:
    """What is remembered between looks, and what the last one led to.

    Attributes:
        since: when a key (a finding's, or a state of the job) was first seen.
        restarts: container restarts by pod.
        worst: the last finding that may explain a failure: its pods may be gone by then.
        say: lines for the log, new with this look.
        dump: workers should write their stacks now.
        end: how it ended; None while it goes on.
    """

    since: Mapping[str, float] = field(default_factory=dict)
    restarts: Mapping[str, int] = field(default_factory=dict)
    worst: Diagnosis | None = None
    say: tuple[str, ...] = ()
    dump: bool = False
    end: Outcome | None = None


def condition(job: Tree, kind: str) -> Tree | None:
    """Returns the condition of that type if its status is True."""
    for item in job.get("status", {}).get("conditions", ()):
        if item.get("type") == kind and item.get("status") == "True":
            matching: Tree = item
            return matching
    return None


def advance(watch: WatchState, look: Observation, options: JobOptions) -> WatchState:
    """Returns what to remember, say and do after a look."""
    findings = [*read_pods(look.pods), *read_events(look.events)]
    watch = _remember(watch, look, findings)
    if look.job is None:
        return replace(watch, end=Outcome("gone", "the job was deleted.", "deleted"))
    watch = replace(watch, since=_taken_up(watch.since, look.job, look.at))
    end = _ended(watch, look.job) or _terminal_failure(watch, look, findings, options)
    if end is None and not condition(look.job, "Suspended"):
        return _watch_progress(watch, look, options)
    return replace(watch, end=end, dump=False)


def _taken_up(since: Mapping[str, float], job: Tree, at: float) -> dict[str, float]:
    """Keeps since when there is a job, and since when the operator ignores it."""
    times = {"seen": at, **since}
    if job.get("status", {}).get("conditions"):
        times.pop("ignored", None)
        return times
    return {"ignored": at, **times}


def _remember(watch: WatchState, look: Observation, findings: list[Diagnosis]) -> WatchState:
    """Keeps first times of what is still so, and says what is new."""
    keys = {_key(item) for item in findings}
    since = {
        key: at for key, at in watch.since.items() if key in keys or key.split()[0] not in WAITING
    }
    new = [item for item in findings if _key(item) not in since]
    since |= {_key(item): look.at for item in new}
    say, counts = grouped(new), dict(watch.restarts)
    for pod in look.pods:
        uid, count = str(pod["metadata"].get("uid", "")), restarts(pod)
        if count > counts.get(uid, 0):
            say.append(f"{name_of(pod)}: restarted in place ({count}).")
            since["moved"] = look.at
        if uid not in counts:
            since["moved"] = look.at
        counts[uid] = count
    return WatchState(since, counts, _worst(watch.worst, new), tuple(say))


def _worst(former: Diagnosis | None, new: list[Diagnosis]) -> Diagnosis | None:
    """Returns the newest finding, unless an older one says more: one that ends the job."""
    final = [item for item in new if item.kind in FINAL]
    if former and former.kind in FINAL and not final:
        return former
    return [*([former] if former else []), *new, *final][-1] if former or new else None


def _key(item: Diagnosis) -> str:
    return f"{item.kind} {item.key}"


def _ended(watch: WatchState, job: Tree) -> Outcome | None:
    """Reads the operator's own verdict."""
    if condition(job, "Succeeded"):
        return Outcome("succeeded")
    failed = condition(job, "Failed")
    if failed is None:
        return None
    message = str(failed.get("message", "")).rstrip(". ")
    if "deadline" in message:
        return Outcome("failed", f"{message}. Raise deadline_hours or train for less.", "deadline")
    if watch.worst and watch.worst.kind in FINAL:
        return Outcome("failed", str(watch.worst), watch.worst.kind)
    why = f"{watch.worst} " if watch.worst else ""
    return Outcome(
        "again", f"{why}The job failed: {message}.", watch.worst.kind if watch.worst else "crash"
    )


def _terminal_failure(
    watch: WatchState, look: Observation, findings: list[Diagnosis], options: JobOptions
) -> Outcome | None:
    """Ends what no waiting helps: failures that repeat themselves, and waits that are over."""
    patience = {
        "unschedulable": options.pending_minutes,
        "image": options.image_minutes,
        "start": options.image_minutes,
        "refused": options.image_minutes,
    }
    for item in findings:
        if item.kind in FINAL or _repeats(item, watch, options):
            return Outcome("failed", str(item), item.kind)
        waited = look.at - watch.since[_key(item)]
        if item.kind in WAITING and waited >= 60 * patience[item.kind]:
            reason = f"{item} Given up after {_time(waited)}."
            return Outcome("failed", reason, item.kind)
    waited = look.at - watch.since.get("ignored", look.at)
    if waited >= IGNORED_S:
        cause = (
            f"no operator took the job in {waited:.0f} s. Check that the training operator runs."
        )
        return Outcome("failed", cause, "operator")
    return None


def _repeats(item: Diagnosis, watch: WatchState, options: JobOptions) -> bool:
    """Tells whether restarts have not helped against what they might have helped against."""
    pod = item.key.split()[0]
    enough = min(MAX_RESTARTS, options.restarts)
    return item.kind in REPEATED and watch.restarts.get(pod, 0) >= enough


def _watch_progress(watch: WatchState, look: Observation, options: JobOptions) -> WatchState:
    """Asks for stacks when nothing moved for too long, and ends the job a while later."""
    waiting = not look.pods or any(p.get("status", {}).get("phase") == "Pending" for p in look.pods)
    marks = [look.progress_at, watch.since.get("moved"), watch.since.get("waited")]
    moved = max((mark for mark in marks if mark is not None), default=watch.since["seen"])
    since = dict(watch.since)
    if waiting or not look.store_reachable:  # other limits are for that; nothing is known
        since["waited"] = look.at
        return replace(watch, since=since)
    quiet, dumped_at = look.at - moved, since.get("dumped")
    if quiet < 60 * options.stall_minutes:
        since.pop("dumped", None)
        return replace(watch, since=since)
    if dumped_at is None:
        line = f"no progress for {_time(quiet)}: asking the workers for their stacks."
        return replace(watch, since={**since, "dumped": look.at}, say=(*watch.say, line), dump=True)
    if look.at - dumped_at < DUMP_S:
        return watch
    reason = f"no progress for {_time(quiet)}; the stacks are in the workers' logs."
    return replace(watch, end=Outcome("again", reason, "stalled"))


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
