import os
import signal
import subprocess
import sys
from pathlib import Path

from ocr_lib.child_process import child_environment
from ocr_lib.jobs import snapshots
from ocr_lib.jobs.workers import KEYS, children, kill_groups, listens
from ocr_lib.storage.store import Store


def test_only_who_listens_is_asked_for_stacks() -> None:
    begin = "import faulthandler, signal\nfaulthandler.register(signal.SIGUSR1)\n"
    wait = "print(1, flush=True)\ninput()"
    for source, expected in ((begin + wait, True), (wait, False)):
        with subprocess.Popen(
            [sys.executable, "-c", source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert listens(process.pid) is expected
            if expected:
                process.send_signal(signal.SIGUSR1)
            process.kill()
    assert not listens(process.pid)


def test_children_are_those_of_a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.pid in children(os.getpid())
        process.kill()


def test_what_a_rank_started_does_not_outlive_it() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo; wait"], stdout=subprocess.PIPE, start_new_session=True
    ) as rank:
        assert rank.stdout is not None
        rank.stdout.readline()
        rank.kill()
        rank.wait(10)
        kill_groups([rank.pid])
        assert rank.stdout.read() == b""  # the end of it: the other side is closed


def test_ranks_do_not_get_the_stores_keys(store: Store) -> None:
    assert any(name.startswith("AWS_") for name in child_environment({}))
    assert not any(name.startswith("AWS_") for name in child_environment({}, without=KEYS))


def test_what_minds_and_watches_does_not_import_paddle() -> None:
    code = (
        "import sys, ocr_lib.jobs.agent, ocr_lib.jobs.launcher, components.clean_up.step\n"
        "assert 'paddle' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)


def test_checkpoints_are_called_as_the_trainer_calls_them() -> None:
    trainers = Path(snapshots.__file__).parents[1] / "training" / "checkpoint.py"
    names = (snapshots.BEST, snapshots.LATEST, snapshots.PREVIOUS)
    line = "BEST, LATEST, PREVIOUS = " + ", ".join(f'"{name}"' for name in names)
    assert line in trainers.read_text("utf-8")
