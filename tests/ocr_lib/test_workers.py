import subprocess
import sys
import time
from pathlib import Path

from ocr_lib.workers import worker_pool
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
