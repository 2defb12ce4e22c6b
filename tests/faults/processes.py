"""Runs a step in a process of its own that ends with SIGKILL where the test wants it to.

A process that has imported the libraries forks one child for each run, so that a run takes no
longer than its work. The points at which a child can be killed are put in here, around calls of
the operating system and of the clients of the store and of Triton: the code that is tested knows
nothing of them.
"""

import os
import re
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.cases import NotInjectedError

LIMIT_S = 300.0  # of a step that is not disturbed
LOG = "child.log"
POINTS = "points.log"
ENDED = "exit-code"
# The steps, and what they import only when they run: in the process that forks it is there already.
PRELOAD = [
    "tests.faults.steps",
    "tests.faults.rollouts",
    "kubernetes.client",
    "numpy.ma",
    "ocr_lib.jobs.local",
    "numpy.f2py",
    "numpy.testing",
    "onnxruntime",
    "paddle.distributed.auto_parallel.fully_shard_fusion",
    "paddle.optimizer.fusion_utils",
    "paddle2onnx",
]
RENAMES = ("os.rename", "os.link", "ocr_lib.atomic.exchange")  # events that Python audits
WRITES = ("put", "put_file", "_put_once", "remove")  # of the store's client
CHANGES = ("load", "unload")  # of Triton's
END = "end"  # the point where all is done
TEMPORARY = re.compile(
    r"(?<=\.)[a-z0-9_]{8}(?=\.(tmp|old))|(?<=attempt-)\w+|(?<=/\.)\w+(?=\.partial)"
)
NUMBERS = re.compile(r"[0-9a-f]{8,}|[0-9]+")

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(PRELOAD)


class Point(NamedTuple):
    """Where a child can be killed: a name without its numbers, and which of this name, from 1."""

    name: str
    occurrence: int


def points_of(names: Iterable[str]) -> list[Point]:
    """Returns the points that were passed under these names, in order.

    A point is known by its name: how often a lease is renewed in between depends on the clock.
    """
    seen: Counter[str] = Counter()
    points = []
    for name in map(_plain, names):
        seen[name] += 1
        points.append(Point(name, seen[name]))
    return points


def _plain(name: str) -> str:
    return NUMBERS.sub("*", TEMPORARY.sub("", name))


@dataclass(frozen=True)
class Run:
    """How a child ended.

    Attributes:
        exitcode: of the process; negative for a signal.
        points: names of the points that it passed, in order.
        seconds: how long it ran.
        log: what it wrote.
    """

    exitcode: int | None
    points: list[str]
    seconds: float
    log: str

    @property
    def killed(self) -> bool:
        return self.exitcode == -signal.SIGKILL


class Child:
    """One function in a process of its own.

    Args:
        target: an importable function.
        arguments: for it, picklable.
        folder: gets the log.
        environment: variables to set.
        kill_at: ends the process just before this point; None for never.
    """

    def __init__(
        self,
        target: Callable[..., Any],
        arguments: tuple[Any, ...],
        folder: Path,
        environment: Mapping[str, str],
        kill_at: Point | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / POINTS).write_text("")
        (folder / ENDED).unlink(missing_ok=True)
        self._folder = folder
        self._started = time.monotonic()
        self.process: BaseProcess = _CONTEXT.Process(
            target=_main, args=(target, arguments, folder, dict(environment), kill_at)
        )
        self.process.start()

    def wait(self, limit_s: float = LIMIT_S) -> Run:
        """Waits for the end; a child that takes longer than `limit_s` is killed and is an error."""
        self.process.join(limit_s)
        if self.process.exitcode is None:
            self.kill()
            raise AssertionError(f"still running after {limit_s:g} s: {self._log()}")
        seconds = time.monotonic() - self._started
        ended = self._folder / ENDED
        # multiprocessing says 255 where it lost the exit code of a child
        if (code := self.process.exitcode) == 255 and ended.exists():
            code = int(ended.read_text())
        points = (self._folder / POINTS).read_text("utf-8").splitlines()
        return Run(code, points, seconds, self._log())

    def ended(self, within_s: float = 0.0) -> bool:
        """Waits this long at most for the end; tells whether it came."""
        self.process.join(within_s)
        return self.process.exitcode is not None

    def kill(self) -> None:
        """Ends it with SIGKILL, as a node that fails does."""
        self.process.kill()
        self.process.join(30)

    def _log(self) -> str:
        path = self._folder / LOG
        return path.read_text("utf-8", "replace")[-3000:] if path.exists() else ""


class Ranks:
    """Processes of one training: when one of them dies the others are killed, as a launcher does.

    Args:
        children: in the order of their ranks.
    """

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children

    def wait(self, limit_s: float = LIMIT_S) -> Run:
        """Waits for the end; returns the first rank's, with the exit code of one that failed."""
        started = time.monotonic()
        waiting, done = list(self._children), list[Child]()
        while waiting:
            left_s = limit_s - (time.monotonic() - started)
            wait_for_any([child.process.sentinel for child in waiting], max(0.0, left_s))
            done = [child for child in waiting if child.ended()]
            if not done or any(child.process.exitcode for child in done):
                break
            waiting = [child for child in waiting if child not in done]
        for child in waiting:
            if not child.ended():
                child.kill()
        if waiting and not done:
            raise AssertionError(f"still running after {limit_s:g} s")
        runs = [child.wait() for child in self._children]
        failed = next((child.wait().exitcode for child in done if child.process.exitcode), 0)
        log = "\n".join(run.log for run in runs)
        return Run(failed, runs[0].points, max(run.seconds for run in runs), log)

    def ended(self, within_s: float = 0.0) -> bool:
        """Waits this long at most for the first rank's end; tells whether all have ended."""
        self._children[0].ended(within_s)
        return all(child.ended() for child in self._children)

    def kill(self) -> None:
        """Ends all at once, as a node that fails does."""
        for child in self._children:
            child.process.kill()
        for child in self._children:
            child.kill()


def killed_after(child: Child | Ranks, seconds: float) -> Run:
    """Kills a child some time after its start; one that ended before is told by `Run.killed`."""
    if not child.ended(seconds):
        child.kill()
    return child.wait()


def expect_killed(run: Run, what: str) -> None:
    """Raises unless a process was ended by SIGKILL."""
    if not run.killed:
        raise NotInjectedError(f"{what}: not killed, ended with {run.exitcode}. {run.log}")


def _main(
    target: Callable[..., Any],
    arguments: tuple[Any, ...],
    folder: Path,
    environment: dict[str, str],
    kill_at: Point | None,
) -> None:
    os.setsid()
    os.environ.update(environment)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    reach = install_points(folder / POINTS, kill_at)
    code = 0
    try:
        target(*arguments)
        reach(END)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 70
    (folder / ENDED).write_text(str(code))
    raise SystemExit(code)


def install_points(path: Path, kill_at: Point | None) -> Callable[[str], None]:
    """Notes every rename, write to the store and change of a Triton in this process.

    Args:
        path: gets the name of each point, a line each.
        kill_at: the process ends just before this one; None for none.

    Returns:
        What notes a point: for more of them.
    """
    from ocr_lib.serving.admin import TritonAdmin
    from ocr_lib.storage.s3 import S3Client

    seen, lock = Counter[str](), threading.Lock()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def reach(name: str) -> None:
        with lock:
            plain = _plain(name)
            seen[plain] += 1
            os.write(file, f"{name}\n".encode())
            if kill_at == (plain, seen[plain]):
                os.kill(os.getpid(), signal.SIGKILL)

    def before(owner: Any, name: str, describe: Callable[..., str]) -> None:
        real = getattr(owner, name)

        def point(*arguments: Any, **named: Any) -> Any:
            reach(f"{name} {describe(*arguments)}")
            return real(*arguments, **named)

        setattr(owner, name, point)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in RENAMES:
            reach(f"{event.rpartition('.')[2]} {Path(os.fsdecode(arguments[1])).name}")

    sys.addaudithook(hook)
    for name in WRITES:
        before(S3Client, name, lambda _, bucket, key, *__: key)
    for name in CHANGES:
        before(TritonAdmin, name, lambda _, model, *__: model)
    return reach
