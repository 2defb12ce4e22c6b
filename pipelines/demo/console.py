"""The readable side of a local pipeline run: what the steps say, which one runs, how long it took.

`kfp.local` prints its own log, the executor's inputs and the steps' output into one stream. All of
it goes to a log file; the console shows the steps' own lines under a heading each.
"""

import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TextIO

from ocr_lib.progress import BAR_WIDTH, duration
from ocr_lib.terminal import printable
from pipelines.demo.training_lines import STAMP, translate

ANSI = re.compile(r"\x1b\[[0-9;]*m")
STARTED = re.compile(r"^[0-9:.]+ - INFO - Executing task '([\w-]+)'$")
FINISHED = re.compile(r"^[0-9:.]+ - \w+ - Task '([\w-]+)' finished with status (\w+)$")
INDENT = (
    "    "  # kfp.local prints a step's lines behind it, after rounds side by side behind several
)
EXECUTOR = "[KFP Executor "
PROGRESS = re.compile(r"\b(?P<percent>\d+)% .*\bETA\b")
TAIL_LINES = 15


class Console:
    """Turns the lines of a `kfp.local` run into headings, the steps' lines and their times.

    Args:
        titles: task name → what the step does, in the order of the DAG.
        out: where the user reads.
        log: where every line goes as it came.
        clock: seconds, for the times of the steps.
    """

    def __init__(
        self,
        titles: Mapping[str, str],
        out: TextIO,
        log: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: str | None = None
        self.last_words = ""  # of the failed step
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)  # last lines of all, for a crash
        self._titles = titles
        self._out = out
        self._log = log
        self._clock = clock
        self._current: str | None = None
        self._started: dict[str, float] = {}  # rounds of a loop run side by side
        self._indent = INDENT  # of the steps' lines
        self._in_inputs = 0  # within the JSON of the inputs of this many executors
        self._in_bar = False  # the cursor stands behind a bar that the next one replaces

    def feed(self, line: str) -> None:
        """Takes one line of the run's output."""
        self._log.write(line if line.endswith("\n") else line + "\n")
        self._log.flush()
        text = ANSI.sub("", line).rstrip()
        self.tail.append(text)
        if started := STARTED.match(text):
            self._start(started[1])
        elif finished := FINISHED.match(text):
            self._finish(finished[1], finished[2])
        elif self._current and text.startswith(INDENT):
            if text.lstrip().startswith(EXECUTOR):
                self._indent = text[: text.index(EXECUTOR)]
            self._step_line(text.removeprefix(self._indent))

    def _start(self, task: str) -> None:
        self._current = task
        self._in_inputs = 0
        self._started[task] = self._clock()
        number = list(self._titles).index(task) + 1 if task in self._titles else "?"
        self._show(f"[{number}/{len(self._titles)}] {self._titles.get(task, task)}")

    def _finish(self, task: str, status: str) -> None:
        self.seconds[task] = round(self._clock() - self._started[task], 1)
        if status == "SUCCESS":
            self._show(f"      done in {duration(self.seconds[task])}")
        elif self.failed is None:
            self.failed = task
        self._current = None

    def _step_line(self, text: str) -> None:
        of_step = text and not self._in_inputs and not text.startswith(EXECUTOR)
        if of_step and self.failed is None:  # the exit handler may still speak
            self.last_words = text
        if text.startswith(EXECUTOR):
            self._in_inputs += text.endswith("executor_input:")
        elif self._in_inputs:
            self._in_inputs -= text == "}"
        elif STAMP.match(text):
            if shown := translate(text, self._clock() - self._started[self._current or ""]):
                self._show(f"      {shown}", PROGRESS.search(shown))
        elif text:
            self._show(f"      {text}", PROGRESS.search(text))

    def _show(self, text: str, progress: re.Match[str] | None = None) -> None:
        text = printable(text, keep="\t")
        if progress and self._out.isatty():
            filled = round(int(progress["percent"]) / 100 * BAR_WIDTH)
            bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"
            columns = shutil.get_terminal_size().columns - 1  # a bar that wraps cannot be replaced
            self._out.write(f"\r\x1b[K{f'      {bar} {text.strip()}'[:columns]}")
        else:
            self._out.write(f"\n{text}\n" if self._in_bar else f"{text}\n")
        self._in_bar = bool(progress and self._out.isatty())
        self._out.flush()
