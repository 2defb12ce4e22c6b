"""CPU settings: in place before paddle, and never against the user's own."""

import subprocess
import sys

import pytest

NAMES = ("OMP_NUM_THREADS", "FLAGS_paddle_num_threads", "KMP_BLOCKTIME", "OPENBLAS_NUM_THREADS")


def settings(**environment):
    code = (
        "import os; from ocr_lib.cpu import configure_cpu; configure_cpu(); "
        f"print([os.environ[n] for n in {NAMES}])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def test_all_cores_by_default():
    import os

    cores = str(len(os.sched_getaffinity(0)))
    assert settings() == str([cores, cores, "0", "1"])


def test_ranks_on_one_machine_share_its_cores():
    assert settings(PADDLE_LOCAL_SIZE="1000") == str(["1", "1", "0", "1"])


@pytest.mark.parametrize("threads", ["1", "7"])
def test_the_users_settings_win(threads):
    shown = settings(OMP_NUM_THREADS=threads, KMP_BLOCKTIME="9", OPENBLAS_NUM_THREADS="3")
    assert shown == str([threads, threads, "9", "3"])
