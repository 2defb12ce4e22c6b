"""What a run says: PaddleOCR's log lines in `train.log`, one JSON object a line in `metrics.jsonl`.

Source: line format of PaddleOCR tools/program.py and ppocr/utils/stats.py; scripts that read its
logs read these.
"""

import json
import math
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from ocr_lib.terminal import echo, printable


class RunLog:
    """Writes to the run directory and to standard output; appends, as a resumed run goes on.

    What is logged before `open` is kept until then: a run that cannot start leaves no folder.

    Args:
        run_dir: the run directory.
        quiet: True writes to the files only.
    """

    def __init__(self, run_dir: Path, quiet: bool = False) -> None:
        self._run_dir = run_dir
        self._quiet = quiet
        self._files: tuple[TextIO, TextIO] | None = None  # of lines and of numbers
        self._buffered: tuple[list[str], list[str]] = [], []

    def open(self) -> None:
        """Makes the run directory, and writes down what was logged so far."""
        self._run_dir.mkdir(parents=True, exist_ok=True)
        text = (self._run_dir / "train.log").open("a", encoding="utf-8")
        metrics = (self._run_dir / "metrics.jsonl").open("a", encoding="utf-8")
        self._files = text, metrics
        for file, lines in zip(self._files, self._buffered, strict=True):
            file.writelines(lines)
            file.flush()

    def info(self, message: str) -> None:
        """Logs one line."""
        self._log("INFO", message)

    def warning(self, message: str) -> None:
        """Logs one line about what is wrong though the run goes on."""
        self._log("WARNING", message)

    def _log(self, level: str, message: str) -> None:
        line = f"[{datetime.now():%Y/%m/%d %H:%M:%S}] ppocr {level}: {printable(message)}"
        self._write(0, line + "\n")
        if not self._quiet:
            echo(line, flush=True)

    def metrics(self, kind: str, **values: Any) -> None:
        """Records numbers for later tools; what is not finite becomes null."""
        clean = {k: None if _not_finite(v) else v for k, v in values.items()}
        self._write(1, json.dumps({"kind": kind, "time": time.time(), **clean}) + "\n")

    def close(self) -> None:
        """Closes the files."""
        for file in self._files or ():
            file.close()

    def _write(self, which: int, line: str) -> None:
        if self._files is None:
            self._buffered[which].append(line)
        else:
            self._files[which].write(line)
            self._files[which].flush()


class PeerLog(RunLog):
    """The log of a process that leaves logging to another one; keeps nothing."""

    def __init__(self) -> None:
        pass

    def open(self) -> None:
        """Makes nothing."""

    def info(self, message: str) -> None:
        """Says nothing."""

    def warning(self, message: str) -> None:
        """Says nothing."""

    def metrics(self, kind: str, **values: Any) -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Has no files."""


class StepTimer:
    """Measures what the log line says of speed between two log lines."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begins a new window."""
        self._window = self._mark = time.perf_counter()
        self.reader_s = 0.0
        self.samples = 0
        self.steps = 0

    def loaded(self) -> None:
        """Marks the end of waiting for a batch."""
        self.reader_s += time.perf_counter() - self._mark

    def stepped(self, samples: int) -> None:
        """Marks the end of a step on `samples` samples."""
        self.samples += samples
        self.steps += 1
        self._mark = time.perf_counter()

    def pause(self) -> float:
        """Returns a time to give to `resume`, around work that is not training."""
        return time.perf_counter()

    def resume(self, paused_at: float) -> None:
        """Takes the time since `pause` out of the window."""
        away = time.perf_counter() - paused_at
        self._window += away
        self._mark += away

    @property
    def elapsed_s(self) -> float:
        """Seconds of training in this window."""
        return time.perf_counter() - self._window


def step_line(
    epoch: int,
    epochs: int,
    step: int,
    values: Mapping[str, float],
    timer: StepTimer,
    steps_left: int,
) -> str:
    """Returns PaddleOCR's training log line for the window that `timer` measured."""
    text = ", ".join(f"{name}: {value:<6f}" for name, value in values.items())
    steps = max(1, timer.steps)
    per_step = timer.elapsed_s / steps
    eta = timedelta(seconds=int(per_step * steps_left))
    return (
        f"epoch: [{epoch}/{epochs}], global_step: {step}, {text}, "
        f"avg_reader_cost: {timer.reader_s / steps:.5f} s, avg_batch_cost: {per_step:.5f} s, "
        f"avg_samples: {timer.samples / steps}, "
        f"ips: {timer.samples / max(timer.elapsed_s, 1e-9):.5f} samples/s, eta: {eta}"
    )


def metric_line(prefix: str, values: Mapping[str, Any]) -> str:
    """Returns PaddleOCR's `cur metric, …` or `best metric, …` line."""
    return f"{prefix}, " + ", ".join(f"{name}: {value}" for name, value in values.items())


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
