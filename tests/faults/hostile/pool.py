"""Hostile cases in processes with little memory: a crash ends one of them, not the test."""

import importlib
import os
import resource
import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

from tests.faults.hostile.case import End, run

KINDS = {
    "images": "tests.faults.hostile.images",
    "labels": "tests.faults.hostile.labels",
    "archives": "tests.faults.hostile.archives",
    "lmdb": "tests.faults.hostile.lmdb_folders",
    "yaml": "tests.faults.hostile.yaml_files",
    "dictionaries": "tests.faults.hostile.dictionaries",
    "checkpoints": "tests.faults.hostile.checkpoints",
    "bundles": "tests.faults.hostile.bundles",
}
ROOM = 1 << 30  # bytes of address space beyond what imports took
MAX_GROWTH = 512 << 20  # bytes that one case may take
LIMIT_S = 60.0  # of one case, also on a busy machine

_CONTEXT = get_context("forkserver")


@dataclass(frozen=True)
class Measured:
    """The end of a case, how long it took, and how many bytes it needed at most."""

    end: End
    seconds: float
    peak_bytes: int


def module_of(kind: str) -> ModuleType:
    return importlib.import_module(KINDS[kind])


class Worker:
    """A process that runs cases of one kind; started again after one that ended it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def run(self, name: str) -> Measured:
        """Runs one case; a process that ends, or does not answer, is a wrong end."""
        started = time.monotonic()
        try:
            self._pipe.send(name)
            if self._pipe.poll(LIMIT_S):
                measured: Measured = self._pipe.recv()
                return measured
            wrong = f"no end after {LIMIT_S:g} s"
        except (EOFError, ConnectionError):
            self._process.join(10)
            wrong = f"the process ended with {self._process.exitcode}"
        self.__exit__()
        self._start()
        return Measured(End(wrong, name, False), time.monotonic() - started, 0)

    def _start(self) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(self._kind, theirs, self._folder))
        self._process.start()
        theirs.close()


def _serve(kind: str, pipe: Connection, folder: Path) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    cases = module_of(kind).cases()
    _limit_memory()
    while True:
        try:
            name = pipe.recv()
        except EOFError:
            return
        pipe.send(_measured(cases[name], folder))


def _measured(case: object, folder: Path) -> Measured:
    work = Path(tempfile.mkdtemp(dir=folder))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, started = _status("VmRSS"), time.monotonic()
    try:
        end = run(case, work)  # type: ignore[arg-type]
    except BaseException:
        end = End(traceback.format_exc()[-1000:], "", False)
    seconds, grown = time.monotonic() - started, _status("VmHWM") - before
    if not end.wrong and grown > MAX_GROWTH:
        end = End(f"took {grown >> 20} MiB", end.input, end.refused)
    shutil.rmtree(work, ignore_errors=True)
    return Measured(end, seconds, grown)


def _limit_memory() -> None:
    size = _status("VmSize") + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise ValueError(name)
