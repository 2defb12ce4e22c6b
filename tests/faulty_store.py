"""A server before a real object store that does to single requests what networks do to them.

Each fault is for requests of one method to keys of one pattern, and happens a number of times. A
block that ends with a fault that did not happen fails: its test has shown nothing.
"""

import fnmatch
import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import unquote, urlsplit

import pytest

from ocr_lib.storage.store import Store

TIMEOUT_S = 60
OF_THE_CONNECTION = ("transfer-encoding", "connection")


@dataclass
class Fault:
    """What happens to some requests.

    Attributes:
        method: of the requests.
        key: pattern of their keys, as in file names.
        kind: "lost": it is done, and the connection closed instead of an answer; "dropped": the
            connection is closed and nothing done; "silent": nothing is done, and nothing answered
            until the block ends; "held": it is done and answered once `release` is set.
        times: to how many requests, the first ones.
        after: how many such requests pass before.
        happened: how often it did.
        statuses: what the store answered to those that were passed on.
        reached: set when it first happens.
        release: lets held requests go on.
    """

    method: str
    key: str
    kind: Literal["lost", "dropped", "silent", "held"]
    times: int = 1
    after: int = 0
    happened: int = 0
    statuses: list[int] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def takes(self, method: str, key: str) -> bool:
        """Tells whether it is for a request; counts those that pass before."""
        if method != self.method or not fnmatch.fnmatchcase(key, self.key):
            return False
        if self.after:
            self.after -= 1
            return False
        return self.happened < self.times


class FaultyServer(ThreadingHTTPServer):
    """Passes requests on, but for those that a fault is for.

    Attributes:
        faults: in order; the first one that takes a request decides.
    """

    daemon_threads = True

    def __init__(self, endpoint: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(endpoint).netloc
        self.faults = faults
        self.ended = threading.Event()
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """URL of this server, for OCR_S3_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self, method: str, key: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.takes(method, key):
                    fault.happened += 1
                    fault.reached.set()
                    return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S
    server: FaultyServer

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, _, key = unquote(urlsplit(self.path).path).strip("/").partition("/")
        fault = self.server.fault(self.command, key)
        kind = fault.kind if fault else ""
        if kind == "silent":
            self.server.ended.wait(TIMEOUT_S)
        if fault and kind == "held":
            fault.release.wait(TIMEOUT_S)
        if kind in ("silent", "dropped"):
            self.close_connection = True
            return
        self._pass_on(body, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

    def _pass_on(self, body: bytes, fault: Fault | None) -> None:
        with closing(http.client.HTTPConnection(self.server.upstream, timeout=TIMEOUT_S)) as store:
            store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                store.putheader(name, value)
            store.endheaders(body)
            response = store.getresponse()
            content = response.read()
        if fault:
            fault.statuses.append(response.status)
        if fault and fault.kind == "lost":
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            length = name.lower() == "content-length" and self.command != "HEAD"
            if name.lower() not in OF_THE_CONNECTION and not length:
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Faults count themselves."""


@contextmanager
def faulty_store(store: Store, *faults: Fault, timeout_s: float = 10.0) -> Iterator[Store]:
    """Yields the store that the environment names, reached through a server with these faults."""
    with FaultyServer(store.client.endpoint, faults) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("OCR_S3_ENDPOINT", server.endpoint)
                faulty = Store.from_env(timeout_s=timeout_s)
            yield faulty
        finally:
            server.ended.set()
            for fault in faults:
                fault.release.set()
            server.shutdown()
            thread.join(TIMEOUT_S)
    for fault in faults:
        assert fault.happened == fault.times, f"not injected: {fault}"
