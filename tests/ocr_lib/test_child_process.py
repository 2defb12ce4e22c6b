"""Servers end with the process that started them."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_lib.child_process import die_with_parent

PARENT = """
import subprocess, sys
from ocr_lib.child_process import die_with_parent
program = "import time; print('up', flush=True); time.sleep(600)"
command = die_with_parent([sys.executable, "-c", program])
child = subprocess.Popen(command, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_parent_takes_its_server_along() -> None:
    if len(die_with_parent(["true"])) == 1:
        pytest.skip("this machine has no setpriv: install util-linux")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        handle = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([handle], [], [], 30)
    os.close(handle)
    assert ended


def test_the_command_runs_as_it_is() -> None:
    done = subprocess.run(die_with_parent(["echo", "--", "a b"]), capture_output=True, text=True)
    assert done.stdout == "-- a b\n"


def test_without_setpriv_the_command_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert die_with_parent(("a", "b")) == ["a", "b"]
