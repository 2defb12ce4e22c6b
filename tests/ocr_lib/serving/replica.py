"""A replica as it runs in production: `ocr serve` in a process of its own, which can be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.ocr_lib.serving.sockets import family

TIMEOUT_S = 120.0


class Replica:
    """Runs `ocr serve` on ports of its own; the same ones when it starts again."""

    def __init__(
        self,
        folder: Path,
        model: str | None,
        environment: Mapping[str, str],
        *options: str,
        program: str = "pipelines.cli.main",
    ) -> None:
        self._log = folder
        self._starts = 0
        ports = dict(zip(("grpc", "http", "metrics", "health"), free_ports(4), strict=True))
        self.ports = frozenset(ports.values())
        self.url = f"127.0.0.1:{ports['grpc']}"
        self.http_url = f"http://127.0.0.1:{ports['http']}"
        self._health = f"http://127.0.0.1:{ports['health']}"
        self._environment = {**os.environ, **environment}
        self._command = [
            *(sys.executable, "-m", program, "serve"),
            *(("--model", model) if model else ()),
            *("--check-seconds", "0.5", "--drain-seconds", "0.5"),
            *(f"--{name}-port={port}" for name, port in ports.items()),
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Replica":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self._log.glob("*.log")))

    def start(self) -> None:
        self._starts += 1
        self._log.mkdir(parents=True, exist_ok=True)
        with (self._log / f"{self._starts}.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Ends Triton and all with SIGKILL, as a node that fails does."""
        assert self._process is not None
        for pid in list(family(self._process.pid)):
            with suppress(ProcessLookupError):  # its parent's end was its own
                os.kill(pid, signal.SIGKILL)
        assert self._process.wait(10) == -signal.SIGKILL
        self._process = None

    def wait_ready(self, ready: bool = True) -> dict[str, Any]:
        """Waits until `/ready` says so; returns what it shows."""
        ends = time.monotonic() + TIMEOUT_S
        while time.monotonic() < ends:
            status, shown = self.health("ready")
            if (status == 200) == ready:
                return dict(shown)
            assert self._process is None or self._process.poll() is None, self.log
            time.sleep(0.1)
        raise TimeoutError(self.log)

    def health(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"{self._health}/{path}", timeout=2) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, {}


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [taken.getsockname()[1] for taken in sockets]
    finally:
        for taken in sockets:
            taken.close()
