"""Diagnoses a training job from its pods and events: a pure function."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Tree = Mapping[str, Any]
Kind = Literal[
    "unschedulable", "image", "start", "refused", "oom", "evicted",
    "data", "nonfinite", "error", "crash", "store", "keys",
]  # fmt: skip

_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_START = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
# Failures that the same run on the same data meets again.
FINAL = frozenset({"oom", "data", "nonfinite"})
# Those that an operator may be fixing right now: they get a while.
WAITING = frozenset({"unschedulable", "image", "start", "refused"})

# Those that a worker may be over when it starts again, with another secret for example.
REPEATED = frozenset({"keys"})

FIXES: Mapping[Kind, str] = {
    "unschedulable": "Set a node selector, tolerations and resources on the train task that a "
    "node pool of the cluster offers, or add nodes",
    "image": "Check the image's name, tag or digest, and that the nodes may pull it",
    "start": "Check the secrets and volumes that the train task names",
    "refused": "Check the namespace's quota and pod security level",
    "oom": "Set a larger memory limit on the train task, or a smaller batch size or fewer "
    "loader workers in the configuration",
    "evicted": "The job goes on from its last checkpoint",
    "data": "Then run it again",  # their messages have a next step of their own
    "nonfinite": "The batch is with the logs",
    "store": "Check that the object store runs and that the workers may reach it",
    "keys": "Then run it again",
    "error": "See the worker's log",
    "crash": "See the worker's log",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that is wrong.

    Attributes:
        kind: what it is; decides whether repeating helps.
        where: the pod, or the job.
        cause: in plain words.
        key: the same for the same occurrence, so that it is said once.
    """

    kind: Kind
    where: str
    cause: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.cause.rstrip('. ')}. {FIXES[self.kind]}."


def grouped(findings: Iterable[Diagnosis]) -> list[str]:
    """Returns findings as lines; a problem shared by many workers is reported once."""
    alike: dict[tuple[Kind, str], list[Diagnosis]] = {}
    for item in findings:
        alike.setdefault((item.kind, item.cause), []).append(item)
    return [
        str(replace(group[0], where=f"{group[0].where} and {len(group) - 1} more"))
        if len(group) > 1
        else str(group[0])
        for group in alike.values()
    ]


def read_pods(pods: Iterable[Tree]) -> list[Diagnosis]:
    """Returns what is wrong with the workers, now or at their last restart."""
    return [finding for pod in pods for finding in _read_pod(pod)]


def read_events(events: Iterable[Tree]) -> list[Diagnosis]:
    """Returns why the job's pods could not be made, where the API server refused them."""
    diagnoses = []
    for event in events:
        message = str(event.get("message", ""))
        if event.get("reason") == "FailedCreatePod" and "already exists" not in message:
            diagnoses.append(
                Diagnosis("refused", "job", f"no pod could be made: {message}", message)
            )
    return diagnoses[-1:]


def restarts(pod: Tree) -> int:
    """Returns how often the container of a pod was started again."""
    status = _container(pod)
    return int(status.get("restartCount", 0)) if status else 0


def name_of(pod: Tree) -> str:
    """Returns how people call a worker: `worker-0`."""
    labels = pod["metadata"].get("labels", {})
    index = labels.get("training.kubeflow.org/replica-index")
    return f"worker-{index}" if index is not None else str(pod["metadata"]["name"])


def _read_pod(pod: Tree) -> Iterable[Diagnosis]:
    where, status = name_of(pod), pod.get("status", {})
    uid = str(pod["metadata"].get("uid", where))
    if evicted := _evicted(status):
        yield Diagnosis("evicted", where, evicted, f"{uid} evicted")
    for condition in status.get("conditions", ()):
        if condition.get("reason") == "Unschedulable" and condition.get("status") == "False":
            yield Diagnosis(
                "unschedulable", where, f"no node takes it: {condition['message']}", uid
            )
    container = _container(pod)
    if not container:
        return
    waiting = container.get("state", {}).get("waiting", {})
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _IMAGE:
        image = container.get("image", "")
        yield Diagnosis(
            "image", where, f"image {image} cannot be pulled ({message or reason})", uid
        )
    elif reason in _START:
        yield Diagnosis("start", where, f"the container cannot start ({message or reason})", uid)
    yield from _ended(where, uid, container)


def _ended(where: str, uid: str, container: Tree) -> Iterable[Diagnosis]:
    """Reads the container's end, the present one or the one before its restart."""
    for state in (container.get("state", {}), container.get("lastState", {})):
        ended = state.get("terminated")
        if not ended or ended.get("exitCode", 0) == 0:
            continue
        key = f"{uid} {ended.get('containerID') or ended.get('finishedAt', '')}"
        kind, cause = _reason(ended, container)
        yield Diagnosis(kind, where, cause, key)
        return


def _reason(ended: Tree, container: Tree) -> tuple[Kind, str]:
    report = _parse(ended.get("message", ""))
    if ended.get("reason") == "OOMKilled" or report.get("kind") == "oom":
        limit = container.get("resources", {}).get("limits", {}).get("memory", "")
        return "oom", f"it needed more memory than its limit{f' of {limit}' if limit else ''}"
    if report:
        return report["kind"], report["cause"].rstrip(". \n")
    last = [line for line in str(ended.get("message", "")).splitlines() if line.strip()][-1:]
    tail = f": {last[0].strip()[:300]}" if last else ""
    return "crash", f"it ended with exit code {ended['exitCode']}{tail}"


def _parse(message: str) -> dict[str, Any]:
    """Returns an agent's reason, see `termination_reason.py`; empty for anything else."""
    try:
        report = json.loads(message)
        return report if report["kind"] in FIXES and isinstance(report["cause"], str) else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _evicted(status: Tree) -> str:
    if status.get("reason") in ("Evicted", "Preempting", "NodeShutdown", "Terminated"):
        return f"evicted by its node ({status.get('message', status['reason'])})".replace("\n", " ")
    for condition in status.get("conditions", ()):
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            return f"evicted ({condition.get('reason', '')}: {condition.get('message', '')})"
    return ""


def _container(pod: Tree) -> Tree:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    status: Tree = next((item for item in statuses if item.get("name") == "paddle"), {})
    return status
