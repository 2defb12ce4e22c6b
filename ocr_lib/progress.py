"""Progress with an ETA: a bar on a terminal, a line now and then where output is a pipe.

Steps run as subprocesses and pods, whose output is a log: there a line every few seconds reads
better than a bar redrawn in place.
"""

import sys
import time
from types import TracebackType
from typing import TextIO

from ocr_lib.terminal import printable

BAR_WIDTH = 28
BAR_PERIOD_S = 0.2
LINE_PERIOD_S = 5.0


class Progress:
    """Counts work done out of `total` and prints it with a rate and an ETA.

    Usage: `with Progress(len(items), "packing", "images") as progress: … progress.add(1)`.

    Args:
        total: number of units of work; 0 prints nothing.
        label: what is being done, printed first.
        unit: what is counted, plural.
        stream: where to print; standard error by default, so that output can be piped.
    """

    def __init__(self, total: int, label: str, unit: str, stream: TextIO | None = None) -> None:
        self.total = total
        self.label = label
        self.unit = unit
        self.done = 0
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._started = self._printed = time.monotonic()
        self._shown = False

    def add(self, count: int = 1, note: str = "") -> None:
        """Records `count` more units; prints when it is time to. `note` is appended."""
        self.done += count
        now = time.monotonic()
        if now - self._printed >= (BAR_PERIOD_S if self._bar else LINE_PERIOD_S):
            self._printed = now
            self._print(now, note)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:  # quick work prints nothing at all
            if kind is None:
                self._print(time.monotonic(), "")
            if self._bar:
                self._stream.write("\n")
            self._stream.flush()

    def _print(self, now: float, note: str) -> None:
        if not self.total:
            return
        elapsed = max(now - self._started, 1e-9)
        rate = self.done / elapsed
        left = (self.total - self.done) / rate if rate else 0.0
        share = min(self.done / self.total, 1.0)
        text = printable(
            f"{self.label} {share:4.0%} {self.done}/{self.total} {self.unit}, "
            f"{rate:,.0f}/s, ETA {duration(left)}{', ' + note if note else ''}"
        )
        if self._bar:
            filled = round(share * BAR_WIDTH)
            self._stream.write(f"\r\x1b[K[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {text}")
        else:
            self._stream.write(text + "\n")
        self._stream.flush()
        self._shown = True


def duration(seconds: float) -> str:
    """Formats seconds as `m:ss` or `h:mm:ss`."""
    minutes, second = divmod(int(seconds + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
