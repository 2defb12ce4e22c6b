"""Processes that are killed at any of their calls to the file system."""

import itertools
import os
import signal
import sys
from collections.abc import Callable

# Events that Python audits, and an exchange in `ocr_lib.atomic`.
FILE_SYSTEM_EVENTS = ("os.", "open", "shutil.", "tempfile.", "ocr_lib.atomic.")


class Killed:
    """Forks a process that gets SIGKILL just before its n-th call to the file system.

    Args:
        work: what it does; without threads and without Paddle, since it is forked.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work

    def at(self, number: int) -> bool:
        """Runs it once; False where it came to its end with fewer calls."""
        pid = os.fork()
        if pid == 0:
            calls = itertools.count(1)

            def hook(event: str, _: object) -> None:
                if event.startswith(FILE_SYSTEM_EVENTS) and next(calls) == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)
            try:
                self._work()
                os._exit(0)
            except BaseException:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
        return os.WIFSIGNALED(status)
