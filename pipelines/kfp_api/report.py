"""What is said of a run: how it stands, where the reason of a failure is, what cancelling does."""

from typing import Any

from ocr_lib.progress import duration
from pipelines.kfp_api.steps import FINAL, Step

EXIT_STEP = "clean-up"


def outcome(run: Any, link: str = "") -> list[str]:
    """Returns how a run stands, in lines.

    Kubeflow gives no reason for a failed run or step (the field `error` stays empty): it is in the
    step's log, in the user interface, and in the object store.
    """
    state = (run.state or "PENDING").lower()
    if run.state not in FINAL:
        return [f"{state}: it goes on; `ocr pipeline status {run.run_id}` shows it"]
    seconds = ""
    if run.finished_at and run.created_at:
        seconds = f" after {duration((run.finished_at - run.created_at).total_seconds())}"
    lines = [f"{state}{seconds}"]
    if run.state == "FAILED":
        said = run.error.message if run.error and run.error.message else ""
        lines.append(
            f"reason   {said}" if said else f"reason   in the failed step's log{_at(link)}"
        )
        lines.append(f"         and below runs/{run.run_id}/ in the object store")
    return lines


def table(steps: list[Step]) -> list[str]:
    """Returns the steps of a run as lines."""
    return [step.line() for step in steps] or ["no step has begun"]


def row(run: Any) -> str:
    """Returns a run as a line of a list."""
    began = f"{run.created_at:%Y-%m-%d %H:%M}" if run.created_at else ""
    kind = "scheduled" if run.recurring_run_id else ""
    state = (run.state or "?").lower()
    return f"{run.run_id:<36} {state:<10} {began:<16} {kind:<9} {run.display_name}"


def cancelling(run_id: str) -> list[str]:
    """Returns what happens to a run that is being ended."""
    return [
        "The run ends within a minute or so; Kubeflow 2.17 then calls it failed. Its last step,",
        f"{EXIT_STEP}, still runs: it deletes the run's training job and the pods that hold GPUs.",
        f"Checkpoints stay below runs/{run_id}/snapshots in the object store.",
    ]


def _at(link: str) -> str:
    return f": {link}" if link else ""
