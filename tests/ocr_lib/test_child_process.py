"""Servers end with the process that started them."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_lib.child_process import child_environment, die_with_parent

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


def test_a_child_s_environment_is_this_process_s_with_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"AWS_KEY": "k", "KEPT": "1", "PATHS": "/b", "GONE": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("EMPTY", raising=False)
    child = child_environment(
        {"NEW": "2", "KEPT": "3"}, without=["AWS_", "GONE"], search={"PATHS": "/a", "EMPTY": "/c"}
    )
    names = ("AWS_KEY", "GONE", "NEW", "KEPT", "PATHS", "EMPTY")
    assert [child.get(name) for name in names] == [None, None, "2", "3", "/a:/b", "/c"]
    assert child["PATH"] == os.environ["PATH"]
    assert (os.environ["KEPT"], os.environ["PATHS"]) == ("1", "/b")
