"""The steps of a run, as people know them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ocr_lib.progress import duration
from ocr_lib.terminal import printable
from pipelines.kfp_api.outline import Outline, Task
from pipelines.kfp_api.rounds import (
    CACHED,
    NOT_RUN,
    PENDING,
    RUNNING,
    SKIPPED,
    Round,
    RunProgress,
)

MAX_REASON = 300
FINAL = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
ENDED = (*FINAL, CACHED, NOT_RUN)
# The state of a step that occurs several times is the first of these that one of them is in.
ORDER = (
    *("FAILED", "CANCELED", "CANCELING", "RUNNING", "PENDING"),
    *("SUCCEEDED", CACHED, SKIPPED, NOT_RUN),
)


@dataclass(frozen=True, slots=True)
class RunStep:
    """One task of the pipeline, all its rounds together.

    Attributes:
        task: of the pipeline.
        state: KFP's, `CACHED` (its result was there) or `NOT RUN` (the run did not get to it).
        rounds: each time that it occurs, in the order of their paths.
        seconds: from the first start to the last end, or until now; None before it starts.
        reason: why it waits or failed, in one line; often empty.
    """

    task: Task
    state: str
    rounds: tuple[Round, ...] = ()
    seconds: float | None = None
    reason: str = ""

    @property
    def done(self) -> int:
        """How many rounds have ended."""
        return sum(item.state in ENDED for item in self.rounds)

    def line(self) -> str:
        """Returns the step as a line of a table."""
        looped = len(self.rounds) > 1 and self.state not in (SKIPPED, NOT_RUN)
        notes = [f"{self.done}/{len(self.rounds)} done"] if looped else []
        waits = self.state in (RUNNING, PENDING)  # `report.waits` has the whole reason
        reason = self.reason.partition(": ")[0] if waits else self.reason
        notes += [reason] if reason else []
        time = "" if self.seconds is None else duration(self.seconds)
        row = f"{self.task.title:<30} {self.state.lower():<10} {time:>8}  {', '.join(notes)}"
        return row.rstrip()


def steps_of(
    progress: RunProgress, outline: Outline, *, ended: bool, now: datetime | None = None
) -> list[RunStep]:
    """Returns the steps that a run has come to, in the order of the DAG.

    Args:
        progress: what became of each task.
        outline: the pipeline.
        ended: the run is over: steps that it never came to are listed too.
        now: the present, for what goes on.
    """
    now = now or datetime.now(UTC)
    steps = []
    for task in outline.tasks:
        rounds = tuple(progress.rounds.get(task.name, ()))
        if rounds:
            steps.append(_step(task, rounds, now))
        elif ended:
            left_out = progress.skipped & set(task.groups)
            steps.append(RunStep(task, SKIPPED if left_out else NOT_RUN))
    return steps


def _step(task: Task, rounds: tuple[Round, ...], now: datetime) -> RunStep:
    states = [item.state for item in rounds]
    state = min(states, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    starts = [item.started for item in rounds if item.started]
    ends = [item.ended or now for item in rounds if item.started]
    seconds = max(0.0, (max(ends) - min(starts)).total_seconds()) if starts else None
    told = (RUNNING, PENDING) if state == RUNNING else (state,)
    reasons = [item.reason for item in rounds if item.state in told and item.reason]
    if state in (CACHED, SKIPPED, NOT_RUN):
        seconds = None
    return RunStep(task, state, rounds, seconds, _one_line(reasons[0]) if reasons else "")


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))[:MAX_REASON]
