"""The rights of one stage, enforced before a real object store.

The tests' store knows one key, which may do everything. This server asks the stage's policy about
each request and passes on what that allows, as it came: the signature stays valid.
"""

import fnmatch
import http.client
import threading
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 60
ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
OF_THE_CONNECTION = ("transfer-encoding", "connection")
DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b"<Error><Code>AccessDenied</Code><Message>denied</Message></Error>"
)


def allowed(policy: Mapping[str, Any], action: str, resource: str) -> bool:
    """Tells whether a policy document allows an action on `bucket` or `bucket/key`."""
    return any(
        action in statement["Action"]
        and any(
            fnmatch.fnmatchcase(f"arn:aws:s3:::{resource}", pattern)
            for pattern in statement["Resource"]
        )
        for statement in policy["Statement"]
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    policy: Mapping[str, Any]
    upstream: str
    seen: list[tuple[str, str]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        self._judge()

    def do_HEAD(self) -> None:
        self._judge()

    def do_PUT(self) -> None:
        self._judge()

    def do_POST(self) -> None:
        self._judge()

    def do_DELETE(self) -> None:
        self._judge()

    def _judge(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        resource = unquote(urlsplit(self.path).path).strip("/")
        action = ACTIONS[self.command] if "/" in resource else "s3:ListBucket"
        self.server.seen.append((self.command, resource))
        if allowed(self.server.policy, action, resource):
            self._pass_on(body)
        else:
            self._answer(403, {"Content-Type": "application/xml"}, DENIED)

    def _pass_on(self, body: bytes) -> None:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=TIMEOUT_S)
        with closing(upstream):
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(body)
            response = upstream.getresponse()
            content = response.read()
            self._answer(response.status, dict(response.getheaders()), content)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        kept = {k: v for k, v in headers.items() if k.lower() not in OF_THE_CONNECTION}
        if self.command != "HEAD":  # whose length is that of the object
            kept = {k: v for k, v in kept.items() if k.lower() != "content-length"}
            kept["Content-Length"] = str(len(content))
        self.send_response_only(status)
        for name, value in kept.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests ask `seen`."""


class PolicyServer:
    """Stands before the store at `endpoint` while the block lasts.

    Attributes:
        seen: method and `bucket/key` of every request, allowed or not.
    """

    def __init__(self, endpoint: str, policy: Mapping[str, Any]) -> None:
        self.seen: list[tuple[str, str]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.policy = policy
        self._server.upstream = urlsplit(endpoint).netloc
        self._server.seen = self.seen
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        """URL of this server, for OCR_S3_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "PolicyServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
