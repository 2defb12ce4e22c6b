"""A run's sign of life: `heartbeat.json` in the run directory, for programs that watch the run.

Content: `{"epoch": 3, "step": 1200, "eta_s": 410.5, "at": "2026-01-31T12:00:00Z"}`.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ocr_lib.atomic import write_json

HEARTBEAT = "heartbeat.json"
INTERVAL_S = 30.0  # between two writes, at least


class Heartbeat:
    """Says how far a run is, at most every `INTERVAL_S` seconds and at its end.

    Args:
        run_dir: the run directory, which exists by the first beat.
        clock: seconds that never go back.
    """

    def __init__(self, run_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = run_dir / HEARTBEAT
        self._clock = clock
        self._first: tuple[float, int] | None = None  # when the first beat was, and its step
        self._written_s: float | None = None

    def beat(self, epoch: int, step: int, steps_left: int) -> None:
        """Replaces the file, unless it was written less than `INTERVAL_S` ago.

        Args:
            epoch: the epoch under way, from 1.
            step: optimiser updates done in the whole run.
            steps_left: updates to go. `eta_s` is their number times what an update took since the
                first beat, evaluations and checkpoints included; null where that is not known yet.
        """
        now = self._clock()
        self._first = self._first or (now, step)
        if self._written_s is None or now - self._written_s >= INTERVAL_S:
            started_s, first_step = self._first
            done = step - first_step
            self._write(epoch, step, (now - started_s) / done * steps_left if done else None)
            self._written_s = now

    def end(self, epoch: int, step: int) -> None:
        """Writes that the run is over: `eta_s` is 0.

        Args:
            epoch: the last epoch that was done.
            step: optimiser updates done in the whole run.
        """
        self._write(epoch, step, 0.0)

    def _write(self, epoch: int, step: int, eta_s: float | None) -> None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rounded = None if eta_s is None else round(eta_s, 1)
        write_json(self._path, {"epoch": epoch, "step": step, "eta_s": rounded, "at": at})
