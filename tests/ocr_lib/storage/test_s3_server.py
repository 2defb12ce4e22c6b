import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_port_in_use_is_named(s3_server: S3Server, tmp_path: Path) -> None:
    port = int(s3_server.endpoint.rsplit(":", 1)[1])
    with pytest.raises(ServiceError, match=f"port {port} is in use"), S3Server(tmp_path, port):
        pass


def test_what_was_stored_is_there_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for attempt in range(2):
        with S3Server(tmp_path / "data", bucket="own-bucket") as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            store = Store.from_env()
            if attempt == 0:
                store.put_json("a/b", {"n": 1})
            assert store.get_json("a/b") == {"n": 1}
    with pytest.raises(ServiceError, match="does not answer"):
        Store.from_env().get_json("a/b")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv here")
def test_it_ends_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from ocr_lib.storage.s3_server import S3Server\n"
        "with S3Server(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.endpoint, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rsplit(":", 1)[1])
        parent.kill()
    ends = time.monotonic() + 60
    while listens(port) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not listens(port)


def test_a_missing_binary_has_a_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match="make setup"), S3Server(tmp_path / "data"):
        pass
