"""What native libraries print stays out of a command's output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_lib.errors import ExportError
from ocr_lib.native_output import LAST_LINES, captured

PROGRAM = """
import os, subprocess, sys
from ocr_lib.native_output import captured
sys.stdout.write("before\\n")
with captured("conversion"):
    os.write(1, b"native\\n")
    os.write(2, b"native\\n")
    sys.stdout.write("python\\n")
    subprocess.run(["echo", "child"], check=True)
sys.stdout.write("after\\n")
"""
HANDLES = Path("/proc/self/fd")


def test_nothing_of_the_block_is_printed() -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("before\nafter\n", "")


def test_a_failure_quotes_the_end_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    def convert() -> None:
        with captured("conversion"):
            for i in range(LAST_LINES + 5):
                os.write(2, b"line %d \xff\n" % i)
            raise ValueError("no such operator")

    with pytest.raises(ExportError) as error:
        convert()
    said = str(error.value).splitlines()
    assert said[0] == "conversion failed: no such operator"
    assert said[1] == "line 5 \ufffd"
    assert len(said) == LAST_LINES + 1
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "after\n"


def test_no_handle_is_left_open() -> None:
    before = len(list(HANDLES.iterdir()))
    with captured("conversion"):
        pass
    assert len(list(HANDLES.iterdir())) == before
