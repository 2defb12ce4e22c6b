"""A job's sign of life in the object store: how far it is, and when it last said so.

One object a job, `runs/<run>/heartbeat.json`, `{epoch, step, eta_s, at}`, written at most every
`INTERVAL_S` seconds. Rank 0 writes the file in its run directory (`ocr_lib/training/heartbeat.py`);
the process that holds the store's keys uploads it. While that process itself works for the job
(fetches data, uploads the result) it says so in the same object: each of its requests to the store
has a deadline, so it cannot work without end.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ocr_lib.errors import OcrError, ServiceError
from ocr_lib.progress import duration
from ocr_lib.storage.s3 import DigestError, MissingObjectError
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
# As `ocr_lib.training.heartbeat` has it; that would import paddle, which takes seconds and memory.
HEARTBEAT = "heartbeat.json"
INTERVAL_S = 30.0  # between two writes of the object, at least
POLL_S = 2.0  # between looks at the file
STOP_S = 5.0  # for an upload under way to end; the process goes on without it
MAX_BYTES = 10_000  # of the file
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat says.

    Attributes:
        epoch: the epoch under way, from 1; 0 before the first.
        step: training steps done in the whole run.
        eta_s: seconds to the end of training; None where that is not known.
        at: when, in UTC, by the clock of the machine that wrote it.
    """

    epoch: int = 0
    step: int = 0
    eta_s: float | None = None
    at: str = ""

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """Reads what `to_dict` returned.

        Raises:
            ValueError: it is something else.
        """
        try:
            eta_s = None if value["eta_s"] is None else float(value["eta_s"])
            beat = cls(int(value["epoch"]), int(value["step"]), eta_s, str(value["at"]))
            datetime.strptime(beat.at, TIME)
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise ValueError(f"not a heartbeat ({type(error).__name__}: {error})") from None
        if beat.epoch < 0 or beat.step < 0 or not math.isfinite(beat.eta_s or 0.0):
            raise ValueError("not a heartbeat: a number is out of range")
        return beat

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)

    def describe(self) -> str:
        """Returns how far the run is, for people; empty before the first step."""
        if not self.step:
            return ""
        eta = "" if self.eta_s is None else f", ETA {duration(self.eta_s)}"
        return f"epoch {self.epoch}, step {self.step:,}{eta}"

    def age_s(self, now: datetime) -> float:
        """Returns how many seconds ago it was written; 0 where the clocks differ."""
        return max(
            0.0, (now - datetime.strptime(self.at, TIME).replace(tzinfo=UTC)).total_seconds()
        )


def describe_heartbeat(store: Store, run_key: str, now: datetime) -> str:
    """Returns in words how far a run is by its last heartbeat, and how long ago that was.

    Raises:
        ServiceError: the store does not answer.
    """
    beat = read_heartbeat(store, run_key)
    if beat is None:
        return "no heartbeat yet"
    far = beat.describe() or "before its first step"
    return f"{far}; last heartbeat {duration(beat.age_s(now))} ago"


def heartbeat_key(run_key: str) -> str:
    """Returns the key of a run's heartbeat."""
    return f"{run_key}/{HEARTBEAT}"


def read_heartbeat(store: Store, run_key: str) -> Beat | None:
    """Returns a run's last heartbeat; None where there is none, or none that can be read.

    Raises:
        ServiceError: the store does not answer.
    """
    try:
        return Beat.from_dict(store.get_json(heartbeat_key(run_key)))
    except (MissingObjectError, DigestError, ValueError):
        return None


def clear_heartbeat(store: Store, run_key: str) -> None:
    """Removes a former attempt's heartbeat.

    Raises:
        ServiceError: the store does not answer.
    """
    store.remove(heartbeat_key(run_key))


class HeartbeatUploader:
    """Uploads the heartbeat in the background while the block lasts.

    A store that is away holds nothing up: the newest heartbeat goes up once it is back. What went
    wrong is logged, once until then.

    Args:
        store: where to.
        run_key: of the run in the store.
        run_dir: the run directory, which need not exist.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        store: Store,
        run_key: str,
        run_dir: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._run_key = run_key
        self._file = run_dir / HEARTBEAT
        self._clock = clock
        self._uploaded: Beat | None = None  # of the trainer
        self._uploaded_s: float | None = None
        self._away = False
        self._working = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def __enter__(self) -> Self:
        self._uploaded = self._of_trainer()  # what an earlier process left is no news
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join(STOP_S)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Says while the block lasts that this process works for the job."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    def flush(self) -> None:
        """Uploads the last heartbeat of the trainer now, however recent the one before it is.

        A heartbeat is no reason to fail: what goes wrong is logged.
        """
        try:
            if (beat := self._of_trainer()) and beat != self._uploaded:
                self._upload(beat)
                self._uploaded = beat
        except OcrError as error:
            self._report(error)

    def update(self) -> None:
        """Uploads what there is to tell, unless the last upload was less than `INTERVAL_S` ago.

        Raises:
            ServiceError: the store does not take it.
        """
        now = self._clock()
        if self._uploaded_s is not None and now - self._uploaded_s < INTERVAL_S:
            return
        beat = self._of_trainer()
        if beat is not None and beat != self._uploaded:
            self._upload(beat)
            self._uploaded = beat
        elif self._working:
            known = beat or read_heartbeat(self._store, self._run_key) or Beat()
            self._upload(replace(known, eta_s=None, at=datetime.now(UTC).strftime(TIME)))

    def _upload(self, beat: Beat) -> None:
        self._store.put_json(heartbeat_key(self._run_key), beat.to_dict())
        self._uploaded_s, self._away = self._clock(), False

    def _of_trainer(self) -> Beat | None:
        """Returns what the file says; None where there is none."""
        try:
            with self._file.open("rb") as file:
                return Beat.from_dict(json.loads(file.read(MAX_BYTES)))
        except (OSError, ValueError):
            return None

    def _run(self) -> None:
        while not self._done.wait(POLL_S):
            try:
                self.update()
            except Exception as error:
                self._report(error)

    def _report(self, error: Exception) -> None:
        if not self._away:
            reason = str(error).rstrip(".")
            log.warning("a heartbeat was not uploaded: %s. The next one is tried again.", reason)
        self._away = True


class HeartbeatReader:
    """Follows a run's heartbeat from another machine, by its own clock.

    Args:
        store: where from.
        run_key: of the run in the store.

    Attributes:
        beat: the last one read; empty before the first.
        changed_at: when it last changed, as `read` was told the time; None before the first.
        reachable: whether the store answered at the last read.
        max_step: the largest step of all that were read: a peer that starts again begins at 0.
    """

    def __init__(self, store: Store, run_key: str) -> None:
        self.beat = Beat()
        self.changed_at: float | None = None
        self.reachable = True
        self.max_step = 0
        self._store = store
        self._run_key = run_key

    def read(self, now: float) -> None:
        """Reads the heartbeat; a store that does not answer leaves all as it was."""
        try:
            beat = read_heartbeat(self._store, self._run_key)
        except ServiceError:
            self.reachable = False
            return
        self.reachable = True
        if beat is not None and beat != self.beat:
            self.beat, self.changed_at = beat, now
            self.max_step = max(self.max_step, beat.step)
