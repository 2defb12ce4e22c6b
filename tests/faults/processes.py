"""Runs a step in a process of its own that ends with SIGKILL where the test wants it to.

A process that has imported the libraries forks one child for each run, so that a run takes no
longer than its work. The points at which a child can be killed are put in here, around calls of
the operating system and of the store's client: the code that is tested knows nothing of them.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.faults.cases import NotInjectedError

LIMIT_S = 300.0  # of a step that is not disturbed
LOG = "child.log"
POINTS = "points.log"
ENDED = "exit-code"
PRELOAD = ["tests.faults.steps"]
RENAMES = ("replace", "rename", "link")
WRITES = ("put", "put_file", "_put_once", "remove")

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(PRELOAD)


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
        kill_at: ends the process just before this point, counted from 1; None for never.
    """

    def __init__(
        self,
        target: Callable[..., Any],
        arguments: tuple[Any, ...],
        folder: Path,
        environment: Mapping[str, str],
        kill_at: int | None = None,
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

    def kill(self) -> None:
        """Ends it with SIGKILL, as a node that fails does."""
        self.process.kill()
        self.process.join(30)

    def _log(self) -> str:
        path = self._folder / LOG
        return path.read_text("utf-8", "replace")[-3000:] if path.exists() else ""


def killed_after(child: Child, seconds: float) -> Run:
    """Kills a child some time after its start; one that ended before is told by `Run.killed`."""
    child.process.join(seconds)
    if child.process.exitcode is None:
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
    kill_at: int | None,
) -> None:
    os.setsid()
    os.environ.update(environment)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    install_points(folder / POINTS, kill_at)
    code = 0
    try:
        target(*arguments)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 70
    (folder / ENDED).write_text(str(code))
    raise SystemExit(code)


def install_points(path: Path, kill_at: int | None) -> None:
    """Counts every rename and every write to the store in this process; ends it before one.

    Args:
        path: gets the name of each point, a line each.
        kill_at: the number of the point, from 1; None for none.
    """
    from ocr_lib.storage.s3 import S3Client

    counted, lock = [0], threading.Lock()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def reach(name: str) -> None:
        with lock:
            counted[0] += 1
            os.write(file, f"{name}\n".encode())
            if counted[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(owner: Any, name: str, describe: Callable[..., str]) -> None:
        real = getattr(owner, name)

        def point(*arguments: Any, **named: Any) -> Any:
            reach(f"{name} {describe(*arguments)}")
            return real(*arguments, **named)

        setattr(owner, name, point)

    for name in RENAMES:
        before(os, name, lambda source, target, *_: Path(os.fsdecode(target)).name)
    for name in WRITES:
        before(S3Client, name, lambda _, bucket, key, *__: key)
