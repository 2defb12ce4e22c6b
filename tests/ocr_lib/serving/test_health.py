"""The endpoint that the probes of Kubernetes ask."""

import json
import socket
import urllib.error
import urllib.request
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.serving.health import HealthServer

LOOPBACK = IPv4Address("127.0.0.1")


def ask(server: HealthServer, path: str) -> tuple[int, Any]:
    try:
        url = f"http://127.0.0.1:{server.port}{path}"
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_each_path_answers_what_its_check_says_at_that_moment() -> None:
    ready = [False]
    checks = {"/live": lambda: (True, "ok"), "/ready": lambda: (ready[0], {"é": 1})}
    with HealthServer(LOOPBACK, 0, checks) as server:
        assert ask(server, "/live") == (200, "ok")
        assert ask(server, "/ready") == (503, {"é": 1})
        ready[0] = True
        assert ask(server, "/ready") == (200, {"é": 1})
        assert ask(server, "/other") == (404, "no such path")


def test_a_silent_client_delays_no_other() -> None:
    with (
        HealthServer(LOOPBACK, 0, {"/live": lambda: (True, "ok")}) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        assert ask(server, "/live")[0] == 200


def test_it_is_gone_afterwards() -> None:
    with HealthServer(LOOPBACK, 0, {}) as server:
        pass
    with pytest.raises(urllib.error.URLError, match="refused"):
        ask(server, "/live")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_named_with_the_option(address: str) -> None:
    with (
        HealthServer(ip_address(address), 0, {}) as server,
        pytest.raises(ServiceError, match=f"--health-port {server.port}: cannot listen"),
    ):
        HealthServer(ip_address(address), server.port, {})
