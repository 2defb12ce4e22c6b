"""The Triton that hostile requests go to, and what is measured of it."""

import secrets
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.connection import TritonConnection
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.triton_server import TritonServer
from tests.faults.hostile.case import End
from tests.faults.hostile.grpc_requests import (
    MODEL,
    NETWORK,
    TEXT,
    HostileCall,
    Refusal,
    Wire,
    inference,
    strings,
)
from tests.faults.hostile.pool import MAX_GROWTH, Measured
from tests.ocr_lib.serving.loaded import load
from tests.ocr_lib.serving.sockets import family
from tests.ocr_lib.serving.tiny_bundle import write_bundle

END_S = 5.0  # in which a server that crashes has ended
MAX_KEPT = 192 << 20  # bytes of its own that a server may still have after all cases


class Target:
    """A server with one model and a management key; started again after a case that ended it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = secrets.token_hex(24)
        self._bundle = write_bundle(folder / "bundle")
        (folder / "models").mkdir()
        self._stack = ExitStack()
        self._start()

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, name: str, case: HostileCall) -> Measured:
        """Makes one call; the server must live on, keep to its memory, and answer the next one."""
        started, before = time.monotonic(), self._memory("VmRSS")
        for process in family(self._pid):
            Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak counts from here
        with Wire(self._server.url) as wire:
            end = case.send(wire)
        wrong = case.wrong(end) or self._wrong_after()
        if wrong and self._has_ended():
            wrong = f"the server ended with {self._server.poll()}"
            self._stack.close()
            self._start()
        peaks = self._memory("VmHWM")
        grown = sum(peaks.get(process, 0) - size for process, size in before.items())
        if not wrong and grown > MAX_GROWTH:
            wrong = f"took {grown >> 20} MiB"
        seconds = time.monotonic() - started
        return Measured(End(wrong, name, isinstance(end, Refusal)), seconds, max(grown, 0))

    def kept(self) -> int:
        """Returns how many bytes of its own the server has more than after its first answer."""
        return sum(self._memory("RssAnon").values()) - self._first

    @property
    def _pid(self) -> int:
        assert self._server.pid is not None
        return self._server.pid

    def _has_ended(self) -> bool:
        with suppress(ServiceError):
            poll_until(lambda: self._server.poll() is not None, "its end", END_S, Pauses(0.05))
        return self._server.poll() is not None

    def _start(self) -> None:
        self._server = self._stack.enter_context(
            TritonServer(
                str(self._folder / "models"), log=self._folder / "triton.log", admin_key=self._key
            )
        )
        with TritonAdmin(self._server.url, connection=TritonConnection(None, self._key)) as admin:
            load(admin, build_model_version(self._bundle, MODEL, 1), NETWORK, MODEL)
        assert not self._wrong_after()
        self._first = sum(self._memory("RssAnon").values())

    def _wrong_after(self) -> str:
        """Asks for a line over a connection of its own; says what is wrong with the answer."""
        with Wire(self._server.url) as wire:
            answer = wire.infer(inference(outputs=("TEXT", "ERROR")))
        if isinstance(answer, Refusal):
            return f"afterwards: {answer}"
        found = strings(answer, "TEXT"), strings(answer, "ERROR")
        return "" if found == ([TEXT], [""]) else f"afterwards: {found}"

    def _memory(self, name: str) -> dict[int, int]:
        """Returns a number of bytes of each process of the server."""
        found = {}
        for process in family(self._pid):
            with suppress(OSError):
                for line in Path(f"/proc/{process}/status").read_text().splitlines():
                    if line.startswith(f"{name}:"):
                        found[process] = int(line.split()[1]) << 10
        return found
