import os
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from ocr_lib.workers import (
    DaemonThread,
    LateWorkerError,
    end_pool,
    results_in_order,
    worker_pool,
)
from tests.ocr_lib.training.ranks import environment

KILLED = """
import os, sys, time
from ocr_lib.workers import worker_pool
if __name__ == "__main__":
    pool = worker_pool(2)
    print(*{job.result() for job in [pool.submit(os.getpid) for _ in range(50)]}, flush=True)
    time.sleep(600)
"""


def test_workers_begin_and_answer() -> None:
    with worker_pool(2, sys.setrecursionlimit, 777) as pool:
        assert pool.submit(sys.getrecursionlimit).result() == 777


def test_a_thread_answers_in_order_and_passes_errors_on() -> None:
    thread = DaemonThread("test")
    calls = [thread.submit(divmod, 7, divisor) for divisor in (2, 0, 3)]
    assert (calls[0].result(), calls[2].result()) == ((3, 1), (2, 1))
    with pytest.raises(ZeroDivisionError):
        calls[1].result()
    thread.shutdown()


def test_results_come_in_the_order_of_the_items() -> None:
    items = iter(range(-3, 0))
    results = results_in_order(abs, items, 2, timeout_s=lambda _: 60)
    assert list(results) == [(-3, 3), (-2, 2), (-1, 1)]


def test_items_are_read_as_they_are_needed() -> None:
    items = iter(range(100))
    results = results_in_order(abs, items, 1, timeout_s=lambda _: 60)
    assert next(results) == (0, 0)
    results.close()
    assert next(items) < 10


def test_an_error_of_a_worker_is_passed_on() -> None:
    results = results_in_order(os.rmdir, ["/none"], 1, timeout_s=lambda _: 60)
    with pytest.raises(FileNotFoundError):
        next(results)


def test_a_worker_that_never_ends_is_killed(tmp_path: Path) -> None:
    """It opens a pipe that nothing is written to, as a read of a storage that stands still."""
    os.mkfifo(tmp_path / "pipe")
    results = results_in_order(
        _sleep_in, [tmp_path, tmp_path / "pipe"], 2, timeout_s=lambda path: 0.2 + 60 * path.is_dir()
    )
    _, pid = next(results)
    with pytest.raises(LateWorkerError, match="a worker has not ended within 0 s"):
        next(results)
    ends = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def _sleep_in(path: Path) -> int:
    """Returns the worker's process id for a folder, and never for a pipe."""
    if not path.is_dir():
        path.read_bytes()
    return os.getpid()


@pytest.mark.parametrize("processes", [0, 1])
def test_a_pool_ends_though_a_call_never_returns(tmp_path: Path, processes: int) -> None:
    os.mkfifo(tmp_path / "pipe")
    pool = worker_pool(1) if processes else DaemonThread("test")
    read = pool.submit((tmp_path / "pipe").read_bytes)
    queued = [pool.submit(os.getpid) for _ in range(9)]
    writer = os.open(tmp_path / "pipe", os.O_WRONLY)  # returns when the worker reads
    end_pool(pool, [read, *queued], 0.1)
    assert queued[-1].cancelled()
    if processes:
        assert isinstance(read.exception(60), BrokenProcessPool)
    os.close(writer)
    if not processes:
        assert read.result(60) == b""


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(KILLED)
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment()
    ) as parent:
        assert parent.stdout is not None
        workers = [Path("/proc") / pid for pid in parent.stdout.readline().split()]
        assert workers
        assert all(runs(pid) for pid in workers)
        parent.kill()
    ends = time.monotonic() + 60
    while any(runs(pid) for pid in workers):
        assert time.monotonic() < ends
        time.sleep(0.05)


def runs(process: Path) -> bool:
    """Tells whether a process is there and more than the memory of one."""
    try:
        return ") Z " not in (process / "stat").read_text("utf-8")
    except OSError:
        return False
