"""The steps of a run, as people know them, out of what the server lists.

The server lists every node of the workflow: a driver pod before each step and each level of the
DAG, groups for conditions and loops, and an `executor` below each step. Only the nodes that are
named as the package's tasks are steps; a step in a loop appears once for each round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ocr_lib.progress import duration

FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
# The state of a step that occurs several times is the first of these that one of them is in.
ORDER = ("FAILED", "CANCELED", "CANCELING", "RUNNING", "PENDING", "SUCCEEDED", "SKIPPED")
EXECUTOR = "executor"
CACHED = "cached"


@dataclass(frozen=True, slots=True)
class Step:
    """One task of the pipeline, all its rounds together.

    Attributes:
        name: of the task.
        title: what readers see.
        state: KFP's, or `cached`: nothing had to run.
        rounds: how many times it occurs; more than once in a loop.
        done: how many of them have ended.
        seconds: from the first start to the last end, or until now.
        reason: what the server says of a failure; mostly nothing.
    """

    name: str
    title: str
    state: str
    rounds: int = 1
    done: int = 0
    seconds: float | None = None
    reason: str = ""

    def line(self) -> str:
        """Returns the step as a line of a table."""
        rounds = f"{self.done}/{self.rounds} done" if self.rounds > 1 else ""
        time = "" if self.seconds is None else duration(self.seconds)
        return (
            f"{self.title:<30} {self.state.lower():<10} {time:>8}  {rounds or self.reason}".rstrip()
        )


def titles_of(spec: Any) -> dict[str, str]:
    """Returns task name → title for every step of a compiled pipeline, in the order of the DAG.

    Args:
        spec: what the server holds: the specification, alone or under `pipeline_spec`.
    """
    value = spec if isinstance(spec, dict) else {}
    value = value.get("pipeline_spec", value)
    if "root" not in value:
        return {}
    return dict(_tasks(value, value["root"]["dag"]))


def _tasks(spec: Mapping[str, Any], dag: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name in _sorted(dag["tasks"]):
        task = dag["tasks"][name]
        component = spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            found += _tasks(spec, component["dag"])
        else:
            found.append((name, task.get("taskInfo", {}).get("name", name)))
    return found


def _sorted(tasks: Mapping[str, Any]) -> list[str]:
    """Returns task names so that each comes after those it depends on."""
    done: list[str] = []
    waiting = sorted(tasks)
    while waiting:
        ready = [n for n in waiting if set(tasks[n].get("dependentTasks", ())) <= set(done)]
        done += ready or waiting
        waiting = [name for name in waiting if name not in done]
    return done


def steps_of(run: Any, titles: Mapping[str, str], now: datetime | None = None) -> list[Step]:
    """Returns the steps that a run has come to, in the order of the DAG."""
    details = (run.run_details and run.run_details.task_details) or []
    now = now or datetime.now(UTC)
    cached = {
        detail.parent_task_id
        for detail in details
        if detail.display_name == EXECUTOR and detail.state == "SKIPPED"
    } | _parents_of_skipped(details)
    found = []
    for name, title in titles.items():
        rounds = [detail for detail in details if detail.display_name in (name, title)]
        if rounds:
            found.append(_step(name, title, rounds, cached, now))
    return found


def _parents_of_skipped(details: Sequence[Any]) -> set[str]:
    skipped = {
        detail.task_id
        for detail in details
        if detail.display_name == EXECUTOR and detail.state == "SKIPPED"
    }
    return {
        detail.task_id
        for detail in details
        if any(child.task_id in skipped for child in detail.child_tasks or ())
    }


def _step(name: str, title: str, rounds: Sequence[Any], cached: set[str], now: datetime) -> Step:
    states = [detail.state or "PENDING" for detail in rounds]
    state = min(states, key=lambda s: ORDER.index(s) if s in ORDER else len(ORDER))
    if state == "SUCCEEDED" and all(detail.task_id in cached for detail in rounds):
        state = CACHED
    starts = [detail.start_time for detail in rounds if detail.start_time]
    ends = [detail.end_time or now for detail in rounds]
    seconds = (max(ends) - min(starts)).total_seconds() if starts else None
    reasons = [detail.error.message for detail in rounds if detail.error and detail.error.message]
    return Step(
        name,
        title,
        state,
        len(rounds),
        sum(state in FINAL for state in states),
        seconds,
        reasons[0] if reasons else "",
    )
