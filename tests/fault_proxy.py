"""A reverse HTTP proxy that injects faults between a client and a real server.

The server is real and stays unharmed; the proxy harms what goes to it or comes back:

    with FaultProxy(store.client.endpoint) as proxy:
        client = S3Client(proxy.endpoint, KEY, SECRET, REGION)
        rule = proxy.add(status(503), method="GET", key="trees/*", times=2)
        client.get("ocr", "trees/a", 99)  # fails twice, is repeated, succeeds
        assert rule.injected == 2  # else the test would have shown nothing

`faulty_store` makes a `Store` that goes through such a proxy, and checks that the faults happened:

    held_write = Rule(held(), "PUT", "registry/*/production.json")
    with faulty_store(store, held_write) as slow:
        ...
        assert held_write.reached.wait(60)
        held_write.release.set()

A rule says to which requests a fault is done; the first rule that applies decides, and what no rule
applies to goes through as it came (with the `Host` that the client signed). Faults:

| fault | what the client sees |
| --- | --- |
| `status(503)`, `s3_error("SlowDown", 503)` | that answer; the server never sees the request |
| `answer(200, body, headers)` | any answer of the test's own, likewise |
| `html_page()` | a web page with status 200 |
| `not_found()` | `NoSuchKey`; with `after="PUT"`, a store that doesn't show what it took |
| `reset()` | the connection is reset before the server sees the request |
| `lost_answer()` | the server does what was asked, then the connection is reset |
| `silent()` | nothing at all until the proxy is closed |
| `held()` | nothing until `Rule.release` is set; then the server does what was asked |
| `drip(size, pause_s)` | the answer's body, a few bytes at a time |
| `truncated(share)` | a part of the body, then the end of the connection |
| `wrong_bytes()` | the body with one byte changed, its length kept |
| `damaged_upload()` | the server gets the request's body with one byte changed |
| `skewed_clock(seconds)` | `Date` and `Last-Modified` of another clock |

A fault of a test's own is a function of an `Exchange`. Give `context` to serve TLS, and `seed` with
rules of a `probability` for random faults that are the same in each run of one thread. Requests are
kept whole in memory. A process reaches the proxy like the server: set its `OCR_S3_ENDPOINT`.
"""

import fnmatch
import http.client
import random
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ocr_lib.storage.store import Store

TIMEOUT_S = 60.0
OF_THE_CONNECTION = ("transfer-encoding", "connection", "keep-alive")
LINGER = struct.pack("ii", 1, 0)  # closing sends a reset


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an HTTP answer; a HEAD's body is empty, its headers are not."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


Fault = Callable[["Exchange"], None]


@dataclass
class Rule:
    """Which requests a fault is done to.

    Attributes:
        fault: what is done.
        method: a regular expression that the whole method matches.
        key: a pattern as in file names that the whole key matches. That of a listing, or of the
            bucket itself, is empty: "" is for those alone, "?*" for objects alone.
        times: how many requests; None for all. A test may change it.
        skip: how many that match go through unharmed first.
        after: only after a request of this method to the same key, such as "PUT".
        probability: of the fault, for each request that matches.
        injected: how often it was done.
        statuses: what the server answered to harmed requests that were passed on to it.
        reached: set when the fault is first done.
        release: lets requests go on that are `held`.
    """

    fault: Fault
    method: str = ".*"
    key: str = "*"
    times: int | None = 1
    skip: int = 0
    after: str = ""
    probability: float = 1.0
    injected: int = field(default=0, init=False)
    statuses: list[int] = field(default_factory=list, init=False)
    reached: threading.Event = field(default_factory=threading.Event, init=False)
    release: threading.Event = field(default_factory=threading.Event, init=False)

    def matches(self, method: str, path: str, earlier: list[tuple[str, str]]) -> bool:
        """Tells whether a request is of the kind that the rule is for."""
        return (
            (self.times is None or self.injected < self.times)
            and re.fullmatch(self.method, method) is not None
            and fnmatch.fnmatchcase(key_of(path), self.key)
            and (not self.after or (self.after, key_of(path)) in earlier)
        )


def key_of(path: str) -> str:
    """Returns the key in `bucket/key?query`."""
    return path.partition("?")[0].partition("/")[2]


class FaultProxy:
    """Stands before the server at `upstream`, an `http://host:port`, while the block lasts.

    Attributes:
        requests: method and `bucket/key?query` of every request, harmed or not; percent signs
            are decoded in the key.
    """

    def __init__(
        self, upstream: str, *rules: Rule, context: ssl.SSLContext | None = None, seed: int = 0
    ) -> None:
        self.requests: list[tuple[str, str]] = []
        self._earlier: list[tuple[str, str]] = []
        self._rules = list(rules)
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.upstream = urlsplit(upstream).netloc
        self.closed = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._scheme = "https" if context else "http"
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def endpoint(self) -> str:
        """URL of this proxy."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def add(self, fault: Fault, **which: Any) -> Rule:
        """Adds a rule, see `Rule` for its arguments, and returns it."""
        rule = Rule(fault, **which)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Removes all rules."""
        with self._lock:
            self._rules.clear()

    def rule_for(self, method: str, path: str) -> Rule | None:
        """Notes a request; returns the rule that says what is done to it."""
        with self._lock:
            self.requests.append((method, path))
            chosen = next((rule for rule in self._rules if self._applies(rule, method, path)), None)
            self._earlier.append((method, key_of(path)))
            if chosen is not None:
                chosen.injected += 1
                chosen.reached.set()
            return chosen

    def _applies(self, rule: Rule, method: str, path: str) -> bool:
        if not rule.matches(method, path, self._earlier):
            return False
        if rule.skip:
            rule.skip -= 1
            return False
        return self._random.random() < rule.probability

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed.set()
        for rule in self._rules:
            rule.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@dataclass
class Exchange:
    """One request and what becomes of it.

    Attributes:
        method: of the request.
        target: its path and query as they came.
        body: of the request; a fault may replace it.
        rule: that decided what is done; None where nothing is.
    """

    method: str
    target: str
    body: bytes
    rule: Rule | None
    proxy: FaultProxy
    _handler: "BaseHTTPRequestHandler" = field(repr=False)

    def forward(self) -> Answer:
        """Passes the request on and returns the server's answer."""
        with closing(http.client.HTTPConnection(self.proxy.upstream, timeout=TIMEOUT_S)) as link:
            link.putrequest(self.method, self.target, skip_host=True, skip_accept_encoding=True)
            for name, value in self._handler.headers.items():
                link.putheader(name, value)
            link.endheaders(self.body)
            response = link.getresponse()
            content = response.read()
        if self.rule:
            self.rule.statuses.append(response.status)
        headers = {k: v for k, v in response.getheaders() if k.lower() not in OF_THE_CONNECTION}
        return Answer(response.status, headers, content)

    def begin(self, answer: Answer) -> None:
        """Sends status and headers, with the length of the whole body unless they hold one."""
        self._handler.send_response_only(answer.status)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        headers.setdefault("content-length", str(len(answer.body)))
        headers.setdefault("date", format_datetime(datetime.now(UTC), usegmt=True))
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.flush()

    def write(self, content: bytes) -> None:
        """Sends a piece of the body; none is sent to a HEAD."""
        if self.method != "HEAD":
            self._handler.wfile.write(content)
            self._handler.wfile.flush()

    def send(self, answer: Answer) -> None:
        """Sends a whole answer."""
        self.begin(answer)
        self.write(answer.body)

    def close(self, *, with_reset: bool = False) -> None:
        """Ends the connection after what was sent so far."""
        self._handler.close_connection = True
        if with_reset:
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Fault:
    """Answers by itself."""
    return lambda exchange: exchange.send(Answer(status, headers or {}, body))


def status(code: int) -> Fault:
    """Answers with a status and nothing else."""
    return answer(code)


def s3_error(code: str, http_status: int, **elements: str) -> Fault:
    """Answers as S3 does, with `elements` in the XML, such as `Region="eu-west-1"`."""
    more = "".join(f"<{name}>{text}</{name}>" for name, text in elements.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>{more}</Error>'
    return answer(http_status, body.encode(), {"content-type": "application/xml"})


def not_found() -> Fault:
    """Says that there is no such object."""
    return s3_error("NoSuchKey", 404, Message="The specified key does not exist.")


def html_page(http_status: int = 200) -> Fault:
    """Answers with a web page, as consoles and the proxies of companies do."""
    page = b"<!DOCTYPE html><html><body>Sign in</body></html>"
    headers = {"content-type": "text/html; charset=utf-8", "etag": '"page"'}
    return answer(http_status, page, headers)


def reset() -> Fault:
    """Resets the connection; the server never sees the request."""
    return lambda exchange: exchange.close(with_reset=True)


def lost_answer() -> Fault:
    """Lets the server do what was asked, and resets the connection."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        exchange.close(with_reset=True)

    return fault


def silent() -> Fault:
    """Keeps the connection open without a word until the proxy is closed."""

    def fault(exchange: Exchange) -> None:
        exchange.proxy.closed.wait()
        exchange.close()

    return fault


def held() -> Fault:
    """Keeps the request until its rule's `release` is set, and passes it on then."""

    def fault(exchange: Exchange) -> None:
        assert exchange.rule is not None
        exchange.rule.release.wait()
        exchange.send(exchange.forward())

    return fault


def drip(size: int = 1, pause_s: float = 0.05) -> Fault:
    """Sends the body in pieces of `size` bytes with a pause after each."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.forward()
        exchange.begin(whole)
        for start in range(0, len(whole.body), size):
            exchange.write(whole.body[start : start + size])
            if exchange.proxy.closed.wait(pause_s):
                break
        exchange.close()

    return fault


def truncated(share: float = 0.5) -> Fault:
    """Announces the whole body and sends its first part."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.forward()
        exchange.begin(whole)
        exchange.write(whole.body[: int(len(whole.body) * share)])
        exchange.close()

    return fault


def wrong_bytes() -> Fault:
    """Changes a byte in the middle of the answer."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.forward()
        exchange.send(Answer(whole.status, whole.headers, _changed(whole.body)))

    return fault


def damaged_upload() -> Fault:
    """Changes a byte in the middle of what is sent to the server."""

    def fault(exchange: Exchange) -> None:
        exchange.body = _changed(exchange.body)
        exchange.send(exchange.forward())

    return fault


def skewed_clock(seconds: float) -> Fault:
    """Moves the times in the answer's headers, as a server whose clock is wrong."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.forward()
        headers = {name.lower(): value for name, value in whole.headers.items()}
        headers.setdefault("date", format_datetime(datetime.now(UTC), usegmt=True))
        for name in {"date", "last-modified"} & set(headers):
            moved = parsedate_to_datetime(headers[name]) + timedelta(seconds=seconds)
            headers[name] = format_datetime(moved, usegmt=True)
        exchange.send(Answer(whole.status, headers, whole.body))

    return fault


def _changed(content: bytes) -> bytes:
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes(255 - byte for byte in content[middle : middle + 1])
        + (content[middle + 1 :])
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        lingers, _ = struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
        if lingers:  # an orderly end would come before the reset
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that go away, which is what faults make them do."""


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = TIMEOUT_S

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            path = unquote(url.path).lstrip("/") + (f"?{url.query}" if url.query else "")
            rule = proxy.rule_for(self.command, path)
            exchange = Exchange(self.command, self.path, body, rule, proxy, self)
            if rule is None:
                exchange.send(exchange.forward())
            else:
                rule.fault(exchange)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Tests ask `requests`."""

    return Handler


@contextmanager
def faulty_store(store: Store, *rules: Rule, timeout_s: float = 10.0) -> Iterator[Store]:
    """Yields the store that the environment names, reached through a proxy with these rules.

    Args:
        store: the real one.
        rules: each has to be used as often as it says.
        timeout_s: of the store's answers.
    """
    with FaultProxy(store.client.endpoint, *rules) as proxy:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OCR_S3_ENDPOINT", proxy.endpoint)
            faulty = Store.from_env(timeout_s=timeout_s)
        yield faulty
    for rule in rules:
        assert rule.times in (None, rule.injected), f"not injected: {rule}"
