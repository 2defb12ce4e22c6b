"""Servers that answer the same: which one to ask next, and where a name leads to."""

import re
import socket
import threading
import time
from collections.abc import Iterable, Sequence

import tritonclient.grpc as grpc

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.serving.connection import TritonConnection

MAX_PORT = 65_535


class Server:
    """One server of several.

    Attributes:
        url: its `host:port`.
        client: the connection to it.
        reached: whether it is known that TLS does not keep this client from it.
    """

    def __init__(self, url: str, client: grpc.InferenceServerClient) -> None:
        self.url = url
        self.client = client
        self.rests_until = 0.0
        self.reached = False

    def rest(self, seconds: float) -> None:
        """Leaves the server alone for a while, if there is another one."""
        self.rests_until = time.monotonic() + seconds


class Servers:
    """Takes turns over servers and passes over those that failed a moment ago.

    Args:
        urls: `host:port` of each; one at least.
        connection: how they are reached.
    """

    def __init__(self, urls: Sequence[str], connection: TritonConnection) -> None:
        self._all = [Server(url, connection.open(url)) for url in map(check_url, urls)]
        self._turn = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def next(self) -> Server:
        """Returns whom to ask now."""
        now = time.monotonic()
        with self._lock:
            turns = self._all[self._turn :] + self._all[: self._turn]
            awake = [server for server in turns if server.rests_until <= now]
            chosen = awake[0] if awake else min(turns, key=lambda server: server.rests_until)
            self._turn = (self._all.index(chosen) + 1) % len(self._all)
        return chosen

    def close(self) -> None:
        """Ends all connections."""
        for server in self._all:
            server.client.close()


def _port(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else 0


def check_url(url: str, where: str = "Triton's address") -> str:
    """Returns an address of gRPC, which has no scheme.

    Args:
        url: `host:port`.
        where: the argument or variable that it came from, for errors.

    Raises:
        ConfigError: it is not `host:port`.
    """
    host, _, port = url.strip().rpartition(":")
    if not re.fullmatch(r"[\w.:\[\]%-]+", host) or not 0 < _port(port) <= MAX_PORT:
        raise ConfigError(where, f"{url!r} is not host:port", "Give for example localhost:8001")
    return url.strip()


def resolve(urls: Iterable[str]) -> list[str]:
    """Returns every server behind the addresses, each once: a name may stand for many.

    A headless Service of Kubernetes has one address for each replica; a call to the name would
    reach one of them. IPv6 addresses are taken where a name has no others.

    Raises:
        ServiceError: a name cannot be resolved.
    """
    servers: dict[str, None] = {}
    for url in urls:
        host, _, port = check_url(url).rpartition(":")
        try:
            known = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ServiceError(
                f"Triton at {url}: the name cannot be resolved ({error}). Check the address."
            ) from error
        fourth = [item for item in known if item[0] == socket.AF_INET]
        for family, *_, address in fourth or known:
            name = f"[{address[0]}]" if family == socket.AF_INET6 else str(address[0])
            servers[f"{name}:{port}"] = None
    return list(servers)
