"""Following a run to its end, a line for each change."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, TextIO

from ocr_lib.polling import DeadlineError, Pauses, poll_until
from ocr_lib.terminal import printable
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.report import waits
from pipelines.kfp_api.rounds import PENDING
from pipelines.kfp_api.view import View, look

POLL_S = 5.0


def follow(
    kubeflow: Kubeflow,
    run_id: str,
    *,
    deadline: timedelta,
    out: TextIO | None = None,
    poll_s: float = POLL_S,
) -> View:
    """Prints every change of a step until the run ends; returns the run as it was last seen.

    Args:
        kubeflow: the server.
        run_id: the run.
        deadline: when to stop looking; the run goes on.
        out: where to print; standard output by default.
        poll_s: between two looks.
    """
    out = sys.stdout if out is None else out
    shown: dict[str, Any] = {}
    view: View | None = None

    def print_changes() -> View | None:
        nonlocal view
        view = look(kubeflow, run_id, view.outline if view else None)
        for line in _changes(view, shown):
            out.write(f"{printable(line)}\n")
        out.flush()
        return view if view.ended else None

    with suppress(DeadlineError):
        poll_until(print_changes, f"run {run_id} to end", deadline.total_seconds(), Pauses(poll_s))
    assert view is not None  # it looks at least once
    return view


def _changes(view: View, shown: dict[str, Any]) -> Iterator[str]:
    """Yields what is new since it was last shown; the wording of a reason alone is not."""
    for step in view.steps:
        if step.state == PENDING and not step.reason:
            continue  # its pod is about to start
        now = (step.state, step.done, step.reason.partition(":")[0])
        if shown.get(step.task.name) != now:
            shown[step.task.name] = now
            yield step.line()
    for wait in waits(view):
        if wait.cause not in shown:
            shown[wait.cause] = True
            yield from wait.lines
