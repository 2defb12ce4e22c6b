"""CPU settings that numeric libraries read once, when they are first loaded.

Entry points apply them first of all: the command line, the step runner, a training rank. A program
of yours that trains or evaluates does the same, before it imports anything else of this project. A
value that the user has set in the environment always wins.
"""

import os
from pathlib import Path

from ocr_lib.settings import Settings


def configure_cpu() -> None:
    """Sets thread counts, and MKL's code path on AMD processors, in the process's environment.

    Paddle uses one thread for its own kernels unless told otherwise. The MKL inside paddle takes
    a slow path on AMD processors; `MKL_DEBUG_CPU_TYPE=5` chooses AVX2, which made convolutions,
    linear layers and LSTMs 1.5 to 3 times as fast on an EPYC. `KMP_BLOCKTIME=0` lets threads that
    wait for each other sleep: spinning ones made single layers two to three times as slow on a
    busy machine. numpy's own matrices are those of an image's warp, too small for a second
    thread: with two, the augmentation of a line costs twice the CPU time.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    local_ranks = max(1, Settings.from_env().local_ranks)
    threads = str(max(1, cores // local_ranks))
    os.environ.setdefault("OMP_NUM_THREADS", threads)
    os.environ.setdefault("FLAGS_paddle_num_threads", os.environ["OMP_NUM_THREADS"])
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "AuthenticAMD" in _cpu_description():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")


def _cpu_description() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            return file.read(4096)
    except OSError:
        return ""
