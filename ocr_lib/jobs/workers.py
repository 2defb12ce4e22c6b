"""The ranks of one machine: started by Paddle's launcher, asked for stacks, ended, read."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ocr_lib.child_process import child_environment
from ocr_lib.jobs import worker
from ocr_lib.jobs.termination_reason import TerminationReason, read_reasons
from ocr_lib.polling import CLOCK
from ocr_lib.regular_file import read_tail
from ocr_lib.terminal import echo

POLL_S = 1.0
STOP_S = 10.0  # of the 30 that Kubernetes gives: the last checkpoint goes up in the rest
STACKS_S = 3.0  # for the ranks to write their stacks
LOG_DIR = "log"
TAIL_BYTES = 1 << 20
KEYS = ("AWS_",)  # the object store's, which the ranks have no use for


class WorkerGroup:
    """All ranks of this machine, as one process that is waited for.

    Args:
        folder: working directory: configuration in, reasons and logs out.
        devices: how many ranks.
        machine: which one this is, from 0; its ranks come in this order.
        round_id: of the rendezvous: launchers with the same one find each other.
    """

    def __init__(self, folder: Path, devices: int, machine: int, round_id: str) -> None:
        self.folder = folder
        for old in folder.glob("reason-*.json"):
            old.unlink()
        launch = ["-m", "paddle.distributed.launch", "--nproc_per_node", str(devices)]
        script = [str(Path(worker.__file__)), str(folder)]
        # The launcher takes these from the environment, rather than what its options say.
        rendezvous = {"PADDLE_JOB_ID": round_id, "PADDLE_RANK": str(machine)}
        self._process = subprocess.Popen(
            [sys.executable, *launch, "--log_dir", str(folder / LOG_DIR), *script],
            cwd=folder,
            env=child_environment(rendezvous, without=KEYS),
        )

    def wait(self, look: Callable[[], None]) -> int:
        """Waits for the end, calling `look` now and then; returns the exit code."""
        while self._process.poll() is None:
            look()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_S)
        return self._process.returncode % 256

    def stop(self) -> None:
        """Ends the ranks: with a deadline, since one may wait for a peer that is gone."""
        ranks = children(self._process.pid)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        self._process.kill()
        kill_groups(ranks)

    def write_stacks(self) -> None:
        """Makes every rank write its stacks to its log; the first one's log is this process's."""
        others = {path: path.stat().st_size for path in self.logs()[1:]}
        for pid in filter(listens, children(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)
        CLOCK.sleep(STACKS_S)
        for path, size in others.items():
            with path.open("rb") as file:
                file.seek(size)
                echo(f"{path.name}:\n{file.read(TAIL_BYTES).decode(errors='replace')}", flush=True)

    def logs(self) -> list[Path]:
        """Returns the logs of the ranks, in their order on this machine."""
        paths = (self.folder / LOG_DIR).glob("workerlog.*")
        return sorted(paths, key=lambda path: (len(path.name), path.name))

    def tail(self) -> bytes:
        """Returns the ends of the logs as one."""
        parts = []
        for path in self.logs():
            with path.open("rb") as file:
                content = read_tail(file, TAIL_BYTES)
            parts.append(f"==> {path.name}\n".encode() + content)
        return b"".join(parts)

    def reasons(self) -> list[TerminationReason]:
        """Returns what the ranks said of their end."""
        return read_reasons(self.folder)


def children(pid: int) -> list[int]:
    """Returns the processes that a process started."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text("utf-8").rpartition(")")[2].split()[1]) == pid:
                pids.append(int(path.parent.name))
    return pids


def kill_groups(ranks: list[int]) -> None:
    """Kills ranks with their loader processes, also those that outlived their rank."""
    for pid in ranks:  # each leads a group of its own
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def listens(pid: int) -> bool:
    """Tells whether a process handles the signal; one that is just starting would die of it."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1)
    return False
