"""A tiny HTTP endpoint for the probes of Kubernetes."""

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import Any

from ocr_lib.errors import ServiceError

Check = Callable[[], tuple[bool, Any]]  # whether all is well, and what to show


class HealthServer:
    """Answers `GET /live` and `GET /ready` with 200 or 503 while the block lasts.

    Args:
        address: where to listen.
        port: TCP port; 0 takes a free one.
        checks: path → what to ask; called for every request, so it must be quick.

    Raises:
        ServiceError: it cannot listen there.
    """

    def __init__(
        self, address: IPv4Address | IPv6Address, port: int, checks: dict[str, Check]
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 5  # of a silent client

            def do_GET(self) -> None:
                check = checks.get(self.path)
                good, shown = check() if check else (False, "no such path")
                body = (json.dumps(shown, ensure_ascii=False) + "\n").encode()
                self.send_response(200 if good else 503 if check else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Probes come every few seconds: they are not worth a line each."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET if address.version == 4 else socket.AF_INET6

        try:
            self._server = Server((str(address), port), Handler)
        except OSError as error:
            raise ServiceError(
                f"--health-port {port}: cannot listen on {address}: {error.strerror}. "
                "End what listens there, or give another port or address."
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> "HealthServer":
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
        self._thread.join(5)
