"""What is said of a run: how it stands, why it waits, failed or was refused, and where to look."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ocr_lib.errors import OcrError
from ocr_lib.jobs.heartbeat import describe_heartbeat
from ocr_lib.jobs.paddlejob import job_name
from ocr_lib.progress import duration
from ocr_lib.storage.store import Store
from ocr_lib.terminal import printable
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.connection import KFP_NAMESPACE, UI
from pipelines.kfp_api.rounds import (
    EXECUTOR,
    PENDING,
    RUNNING,
    SUCCEEDED,
    Round,
    waiting_reason,
)
from pipelines.kfp_api.steps import MAX_REASON, RunStep
from pipelines.kfp_api.times import parse_time
from pipelines.kfp_api.view import View
from pipelines.kfp_api.workflow import Workflow

TRAIN, EVALUATE, CLEAN_UP = "train", "evaluate", "clean-up"
PATIENCE_S = 180.0  # how long no pod may start before that is worth a line
LISTED = 3
UI_PORT = 8080


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that keeps a run from going on.

    Attributes:
        cause: the same text as long as it is the same cause.
        lines: what to say.
    """

    cause: str
    lines: tuple[str, ...]


def see(kubeflow: Kubeflow, path: str) -> list[str]:
    """Returns where the user interface shows something, or how to open it."""
    if link := kubeflow.link(path):
        return [f"see        {link}"]
    return [
        f"see        http://localhost:{UI_PORT}/#/{path}, after",
        f"           kubectl -n {KFP_NAMESPACE} port-forward svc/ml-pipeline-ui {UI_PORT}:80",
        f"           (or name your UI by --ui or {UI})",
    ]


def heading(view: View) -> str:
    """Returns the name of a run."""
    return printable(str(view.run.display_name or view.run.run_id))


def table(steps: Sequence[RunStep]) -> list[str]:
    """Returns the steps of a run as lines."""
    return [step.line() for step in steps] or ["no step has begun"]


def training(view: View, open_store: Callable[[], Store] | None) -> list[str]:
    """Returns how far a run's training is by its heartbeat, while it trains.

    Args:
        view: the run.
        open_store: opens the object store; None where none is configured.
    """
    step = view.step(TRAIN)
    if open_store is None or step is None or step.state != RUNNING:
        return []
    try:
        progress = describe_heartbeat(open_store(), f"runs/{view.run.run_id}", view.seen)
    except OcrError as error:
        progress = f"not known: {error}"
    return [f"training   {progress}"]


def outcome(view: View, reasons: Sequence[str] = ()) -> list[str]:
    """Returns how a run stands, in lines.

    Args:
        view: the run.
        reasons: of a refusal, or the last lines of the failed step's log.
    """
    if not view.ended:
        goes_on = f"`ocr pipeline status {view.run.run_id}` shows it"
        waiting = [line for wait in waits(view) for line in wait.lines]
        return [f"{view.state.lower()}: it goes on; {goes_on}", *waiting]
    lines = [f"{view.state.lower()}{_took(view.run)}"]
    if view.state == "FAILED":
        return [*lines, *_failure(view, reasons)]
    if view.unchanged:
        lines.append("unchanged  nothing new to learn from: it ended at its first step")
    if view.refused:
        lines.append(
            "refused    the gate did not accept the candidate (passed=false); "
            "production serves what it served"
        )
        lines += [f"           {reason}" for reason in reasons]
        lines.append("           more in the verdict and the report of the step, and by")
        lines.append(f"           ocr pipeline logs {view.run.run_id} {EVALUATE}")
    return lines


def _failure(view: View, last: Sequence[str]) -> list[str]:
    run, step = view.run, view.failed
    lines = []
    if message := run.error.message if run.error and run.error.message else "":
        lines.append(f"reason     {printable(message)}")
    if step is not None:
        lines.append(f"failed     {step.task.title}{f': {step.reason}' if step.reason else ''}")
        lines += [f"           {line}" for line in last]
        lines.append(f"log        ocr pipeline logs {run.run_id} {step.task.name}")
        if place := log_place(view, step):
            lines.append(f"           {place}")
    elif not message:
        lines.append("reason     in the workflow: no step failed")
    train = view.step(TRAIN)
    if train is not None and train.seconds is not None:
        lines.append(f"kept       runs/{run.run_id}/ in the object store: checkpoints and logs")
    return lines


def log_place(view: View, step: RunStep) -> str:
    """Returns where in the object store the log of a step is, as far as that is known.

    Empty where only Kubeflow's own driver of the step ran: its log is not there.
    """
    pods = [item.pod for item in step.rounds if item.state == step.state and item.pod]
    for pod in pods:
        if uri := pod.log_uri():
            return uri
    if pods and all(pod.is_driver for pod in pods):
        return ""
    root = (view.run.runtime_config and view.run.runtime_config.pipeline_root) or "kfp"
    parts = (view.outline.pipeline, view.run.run_id, step.task.name)
    return f"{root.rstrip('/')}/{'/'.join(parts)}/<uuid>/executor-logs-0 in the object store"


def waits(view: View) -> list[Wait]:
    """Returns what keeps a run from going on, the longest first."""
    if view.ended:
        return []
    workflow = view.progress.workflow
    return _pods_that_wait(view, workflow) if workflow else _nothing_starts(view)


def _pods_that_wait(view: View, workflow: Workflow) -> list[Wait]:
    waits: dict[str, Wait] = {}
    nodes = [node for node in workflow.pods("Pending") if node.started]
    for node in sorted(nodes, key=lambda n: (n.started, n.name)):
        if not (reason := printable(waiting_reason(node))[:MAX_REASON]):
            continue
        name = node.path.removesuffix(f".{EXECUTOR}").rpartition(".")[2]
        step = view.step(name)
        seconds = (view.seen - node.started).total_seconds() if node.started else 0.0
        lines = (
            f"waits      {step.task.title if step else name} for {duration(seconds)}: {reason}",
            f"           kubectl -n {view.namespace} describe pod {workflow.pod_name(node)}",
        )
        cause = f"waits {name} {reason.partition(':')[0]}"
        waits.setdefault(cause, Wait(cause, lines))
    return list(waits.values())[:LISTED]


def _nothing_starts(view: View) -> list[Wait]:
    """Returns a line where no pod has started for some time: all that the API itself can tell."""
    rounds: list[Round] = [item for step in view.steps for item in step.rounds]
    if any(item.state == RUNNING for item in rounds):
        return []
    times = [item.started for item in rounds if item.state == PENDING and item.started]
    began = min(times, default=None) or (None if rounds else parse_time(view.run.created_at))
    seconds = (view.seen - began).total_seconds() if began else 0.0
    if seconds < PATIENCE_S:
        return []
    lines = (
        f"waits      no pod has started for {duration(seconds)}",
        f"           kubectl -n {view.namespace} describe pod -l pipeline/runid={view.run.run_id}",
    )
    return [Wait("waits", lines)]


def cancelling(run_id: str) -> list[str]:
    """Returns what happens to a run that is being ended."""
    return [
        "The run ends within a minute or so; Kubeflow 2.17 then calls it failed. Its last step,",
        f"{CLEAN_UP}, still runs: it deletes the run's training job and the pods that hold GPUs.",
        f"Checkpoints stay below runs/{run_id}/snapshots in the object store.",
    ]


def cancelled(view: View, minutes: float) -> list[str]:
    """Returns what became of a run that was to end within some minutes."""
    step = view.step(CLEAN_UP)
    if not view.ended:
        lines = [f"{view.state.lower()}: not ended after {minutes:g} minutes"]
        lines += [line for wait in waits(view) for line in wait.lines]
    else:
        lines = [f"ended{_took(view.run)}; Kubeflow calls it {view.state.lower()}"]
    if cleaned_up(view):
        return lines
    state = step.state.lower() if step else "not begun"
    job = job_name(str(view.run.run_id))
    return [
        *lines,
        f"clean-up   {state}: the run's training job may still hold its nodes; to end it by hand:",
        f"           kubectl -n {view.namespace} delete paddlejob {job} --ignore-not-found",
    ]


def cleaned_up(view: View) -> bool:
    """Tells whether a run's clean-up has succeeded."""
    step = view.step(CLEAN_UP)
    return step is not None and step.state == SUCCEEDED


def row(run: Any) -> str:
    """Returns a run as a line of a list."""
    created = parse_time(run.created_at)
    began = f"{created:%Y-%m-%d %H:%M}" if created else ""
    kind = "scheduled" if run.recurring_run_id else ""
    state = (run.state or "?").lower()
    name = printable(str(run.display_name or ""))
    return f"{run.run_id:<36} {state:<10} {began:<16} {kind:<9} {name}".rstrip()


def _took(run: Any) -> str:
    created, finished = parse_time(run.created_at), parse_time(run.finished_at)
    if created is None or finished is None:
        return ""
    return f" after {duration(max(0.0, (finished - created).total_seconds()))}"
