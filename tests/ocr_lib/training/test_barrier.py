"""Processes that meet in a store whose keeper is killed."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from paddle.base import core

from ocr_lib.training.barrier import Barrier, PeerError

KEEPER = """
import sys, time
from paddle.base import core
store = core.TCPStore("127.0.0.1", int(sys.argv[1]), True, 1, 60)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def keeper() -> Iterator[tuple[subprocess.Popen[str], int]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", KEEPER, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line == "ready\n" for line in process.stdout)
        yield process, port
        process.kill()


def test_whose_stores_keeper_is_gone_says_so_and_leaves(
    keeper: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = keeper
    address = ("127.0.0.1", port)
    meeting = Barrier(core.TCPStore(*address, False, 1, 60), 0, 1, address)
    meeting.wait("nothing", 10)
    process.kill()
    process.wait(10)
    for _ in range(3):  # the first may fail at reading, the next at sending
        with pytest.raises(PeerError, match="the first process of the run is gone"):
            meeting.wait("nothing", 10)
        meeting.fail("it is over")
    meeting.leave(10)
