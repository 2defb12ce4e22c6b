"""One run of the pipeline on this machine, in a process group of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ocr_lib.child_process import child_environment, die_with_parent
from ocr_lib.errors import OcrError
from ocr_lib.regular_file import read_bounded
from ocr_lib.storage.artifact_ref import ArtifactRef
from pipelines.demo.console import Console
from pipelines.titles import REJUDGE_TITLES, TITLES

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 10.0


class StepError(OcrError):
    """A step of the pipeline failed."""


@dataclass(frozen=True, slots=True)
class DagRun:
    """A finished run.

    Attributes:
        root: folder of the steps' artifacts, `<root>/<pipeline>-<time>/<task>/<artifact>`.
        seconds: task name → wall time.
    """

    root: Path
    seconds: dict[str, float]

    def path(self, task: str, name: str) -> Path:
        """Returns the file of an artifact of a task that ran."""
        return next(self.root.glob(f"*/{task}/{name}"))

    def pointer(self, task: str, name: str) -> ArtifactRef:
        """Returns the pointer that is an artifact of a task that ran."""
        return ArtifactRef(**json.loads(read_bounded(self.path(task, name))))


def run_dag(
    arguments: Mapping[str, Any],
    environment: Mapping[str, str],
    out: Path,
    *,
    rejudge: bool = False,
) -> DagRun:
    """Runs the pipeline and shows what the steps say.

    Whatever ends this function also ends the steps, which are in one process group.

    Args:
        arguments: the pipeline's parameters.
        environment: variables for the steps: where the object store is.
        out: gets `pipeline.log` and the artifacts, in `pipeline/<time>/`.
        rejudge: whether it is the pipeline that judges a run again.

    Raises:
        StepError: a step failed; what it said last is in the message.
    """
    root = out / "pipeline" / f"{datetime.now():%Y%m%d-%H%M%S-%f}"
    root.mkdir(parents=True)
    log_path = out / "pipeline.log"
    with log_path.open("w", encoding="utf-8") as log:
        console = Console(REJUDGE_TITLES if rejudge else TITLES, sys.stdout, log)
        process = _start(root, environment, rejudge)
        try:
            assert process.stdin
            assert process.stdout
            with process.stdin as stdin:
                json.dump(dict(arguments), stdin)
            for line in process.stdout:
                console.feed(line)
            with suppress(subprocess.TimeoutExpired):  # its output has ended
                process.wait(STOP_TIMEOUT_S)
        finally:
            _end(process)
    if process.returncode:
        raise StepError(_complaint(console, log_path))
    return DagRun(root, console.seconds)


def _start(root: Path, environment: Mapping[str, str], rejudge: bool) -> subprocess.Popen[str]:
    words = [str(root), *(["rejudge"] if rejudge else [])]
    output = {
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",  # paddle's, at every import; they are no concern of a user
    }
    return subprocess.Popen(
        die_with_parent([sys.executable, "-m", "pipelines.run_local", *words]),
        env=child_environment({**environment, **output}, search={"PYTHONPATH": str(REPOSITORY)}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _end(process: subprocess.Popen[str]) -> None:
    """Ends the run and every step of it that still goes on."""
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            continue
    if process.stdout:
        process.stdout.close()


def _complaint(console: Console, log: Path) -> str:
    tail = [line.strip() for line in console.tail if line.strip()]
    if console.failed is None:
        return "\n".join(["the pipeline did not run", *tail, f"The whole log: {log}"])
    title = {**REJUDGE_TITLES, **TITLES}.get(console.failed, console.failed)
    return f"step {console.failed} ({title}) failed: {console.last_words}\nThe whole log: {log}"
