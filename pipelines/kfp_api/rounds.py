"""What became of each task of a run: its state, times and reason, every time that it occurs.

Kubeflow makes several nodes of one task: a driver, a group named as the task, in it a pod named
`executor`, and each of them once more for every attempt. Two sources tell of them: the workflow,
which is exact, and the API's list of tasks, which has neither ids nor messages: there the pod of
a step is found by its times, which lie within the step's.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.kfp_api.outline import Outline
from pipelines.kfp_api.times import parse_time
from pipelines.kfp_api.workflow import DRIVER, POD, Node, Workflow

RUNNING, PENDING, SUCCEEDED, FAILED = "RUNNING", "PENDING", "SUCCEEDED", "FAILED"
SKIPPED, CACHED, NOT_RUN = "SKIPPED", "CACHED", "NOT RUN"
EXECUTOR = "executor"
_PHASES = {
    "Pending": PENDING,
    "Running": RUNNING,
    "Succeeded": SUCCEEDED,
    "Skipped": SKIPPED,
    "Failed": FAILED,
    "Error": FAILED,
    "Omitted": NOT_RUN,
}
_ATTEMPT = re.compile(r"\(\d+\)$")
_STARTING = ("PodInitializing", "ContainerCreating")


@dataclass(frozen=True, slots=True)
class Round:
    """One occurrence of a task; a task in a loop has several.

    Attributes:
        state: one of this module's.
        started: when the step, or its driver, was created.
        ended: None while it goes on.
        reason: why it waits or failed, in Argo's words; often empty.
        pod: the node of its pod, or of its driver's where that is all there is.
    """

    state: str
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    pod: Node | None = None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """What a run has come to.

    Attributes:
        rounds: by the task's name.
        skipped: names of the groups whose condition was false.
        workflow: where it is known.
    """

    rounds: Mapping[str, Sequence[Round]]
    skipped: frozenset[str] = frozenset()
    workflow: Workflow | None = None


def progress_in_workflow(workflow: Workflow, outline: Outline) -> RunProgress:
    """Reads a run's progress from its workflow."""
    names = {task.name for task in outline.tasks}
    rounds: dict[str, list[Round]] = defaultdict(list)
    for prefix, name in sorted(_occurrences(workflow, names)):
        rounds[name].append(_round(workflow, f"{prefix}.{name}"))
    skipped = {
        path.rpartition(".")[2] for path, node in workflow.latest.items() if node.phase == "Skipped"
    }
    return RunProgress(rounds, frozenset(skipped & outline.groups.keys()), workflow)


def _occurrences(workflow: Workflow, names: set[str]) -> set[tuple[str, str]]:
    """Returns (path of what is around it, name) of each task that occurs, if only by its driver."""
    occurrences = set()
    for path in workflow.latest:
        prefix, _, last = path.rpartition(".")
        name = last if last in names else last.removesuffix(DRIVER)
        if name in names:
            occurrences.add((prefix, name))
    return occurrences


def _round(workflow: Workflow, path: str) -> Round:
    group, driver = workflow.latest.get(path), workflow.last_attempt(f"{path}{DRIVER}")
    pod = workflow.last_attempt(f"{path}.{EXECUTOR}")
    began = group or driver
    if began is None or group is None or _PHASES.get(group.phase) == NOT_RUN:
        return _driven(driver, group)
    state = _PHASES.get(group.phase, RUNNING)
    reason = ""
    if state == SUCCEEDED and pod is not None and pod.phase == "Skipped":
        state = CACHED
    elif state in (RUNNING, PENDING):
        waiting = pod is not None and pod.kind == POD and pod.phase == "Pending"
        state = PENDING if waiting else RUNNING
        reason = waiting_reason(pod) if waiting and pod else ""
    elif state == FAILED:
        reason = _failure(pod) or group.message
    runs = pod if pod is not None and pod.kind == POD else None
    return Round(state, group.started, group.finished, reason, runs)


def _driven(driver: Node | None, group: Node | None) -> Round:
    """Returns the round of a task that has not got beyond its driver, or never will."""
    state = _PHASES.get(driver.phase, PENDING) if driver else NOT_RUN
    if driver is None or (state not in (FAILED, PENDING, RUNNING) and group is not None):
        return Round(NOT_RUN)
    if state == FAILED:
        reason = f"Kubeflow's driver of this step: {_failure(driver) or 'failed'}"
        return Round(FAILED, driver.started, driver.finished, reason, driver)
    if state == NOT_RUN:
        return Round(NOT_RUN)
    return Round(PENDING, driver.started, None, waiting_reason(driver), driver)


def _failure(node: Node | None) -> str:
    """Returns why a node failed; Argo names the container first, and it is always this one."""
    return node.message.removeprefix("main: ") if node is not None else ""


def waiting_reason(node: Node) -> str:
    """Returns why a pod waits; nothing while it merely starts."""
    if node.phase != "Pending" or node.message.startswith(_STARTING):
        return ""
    kind, colon, rest = node.message.partition(": ")
    return f"no node fits: {rest}" if kind == "Unschedulable" and colon else node.message


def progress_in_details(details: Sequence[Any], outline: Outline) -> RunProgress:
    """Reads a run's progress from the API's list of tasks, as far as that goes."""
    by_name: dict[str, list[Any]] = defaultdict(list)
    for detail in details:
        by_name[detail.display_name or ""].append(detail)
    pods = _pods(by_name)
    rounds = {}
    for task in outline.tasks:
        executions = sorted(by_name[task.name] or by_name[task.title], key=_created)
        shown = executions if task.in_loop else executions[-1:]
        drivers = sorted(by_name[f"{task.name}{DRIVER}"], key=_created)
        if any(detail.state for detail in shown) or (shown and not _failed(drivers)):
            rounds[task.name] = [_detailed(detail, pods) for detail in shown]
        elif drivers:
            rounds[task.name] = [_starting(drivers[-1])]
    skipped = {
        name for name in outline.groups for detail in by_name[name] if detail.state == SKIPPED
    }
    return RunProgress(rounds, frozenset(skipped))


def _pods(by_name: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Returns what stands for pods: attempts where there are any, and what was skipped."""
    whole = by_name.get(EXECUTOR, ())
    attempts = [
        detail
        for name, group in by_name.items()
        if name != EXECUTOR and _ATTEMPT.sub("", name) == EXECUTOR
        for detail in group
    ]
    return [*attempts, *(detail for detail in whole if not attempts or detail.state == SKIPPED)]


def _detailed(detail: Any, pods: Sequence[Any]) -> Round:
    started, ended = parse_time(detail.start_time), parse_time(detail.end_time)
    state = detail.state or NOT_RUN  # what never runs has no state there
    within = list(_within(started, ended, pods))
    if state == SUCCEEDED and within and all(pod.state == SKIPPED for pod in within):
        state = CACHED
    elif state == RUNNING and within and all(pod.state == PENDING for pod in within):
        state = PENDING
    reason = detail.error.message if detail.error and detail.error.message else ""
    return Round(state, started, ended, reason)


def _within(started: datetime | None, ended: datetime | None, pods: Sequence[Any]) -> Iterator[Any]:
    """Yields the pods whose time lies within that of a step."""
    for pod in pods:
        began, over = parse_time(pod.start_time), parse_time(pod.end_time)
        inside = started is not None and began is not None and started <= began
        if inside and (ended is None or (over is not None and over <= ended)):
            yield pod


def _failed(drivers: Sequence[Any]) -> bool:
    return any(driver.state == FAILED for driver in drivers)


def _starting(driver: Any) -> Round:
    if not driver.state:
        return Round(NOT_RUN)
    state = FAILED if driver.state == FAILED else PENDING
    return Round(state, parse_time(driver.start_time), parse_time(driver.end_time))


def _created(detail: Any) -> float:
    began = parse_time(detail.start_time)
    return began.timestamp() if began else 0.0
