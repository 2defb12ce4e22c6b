"""Where a name leads to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.serving.connection import TritonConnection
from ocr_lib.serving.endpoints import Servers, check_url, resolve
from ocr_lib.serving.rollout import deploy
from tests.ocr_lib.serving.site import Site


@pytest.mark.slow
def test_a_name_stands_for_every_address(site: Site, bundle: Path) -> None:
    port = site.url.rpartition(":")[2]
    assert resolve([f"localhost:{port}", site.url]) == [site.url]
    with pytest.raises(ServiceError, match=r"nowhere\.invalid:1: the name cannot be resolved"):
        resolve(["nowhere.invalid:1"])
    found = deploy(
        str(bundle),
        "named",
        site.golden,
        store=site.store,
        endpoints=[f"localhost:{port}"],
    )
    assert len(found.answers) == len(site.golden)


@pytest.mark.parametrize(
    "url", ["localhost:8001", "10.0.0.1:1", "[::1]:65535", " a.b-c_d:80 ", "[fe80::1%eth0]:8001"]
)
def test_an_address_is_host_and_port(url: str) -> None:
    assert check_url(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    ["", "localhost", ":8001", "localhost:", "localhost:0", "localhost:65536", "localhost:８",
     "http://localhost:8001", "local host:8001", "localhost:8001/v2"],
)  # fmt: skip
def test_anything_else_is_refused_by_its_option(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^--triton-url: .* is not host:port"):
        check_url(url, "--triton-url")


@pytest.fixture
def three() -> Iterator[Servers]:
    servers = Servers(["a:1", "b:2", "c:3"], TritonConnection())
    yield servers
    servers.close()


def test_servers_take_turns(three: Servers) -> None:
    assert len(three) == 3
    assert [three.next().url for _ in range(7)] == ["a:1", "b:2", "c:3"] * 2 + ["a:1"]


def test_a_server_that_rests_is_passed_over(three: Servers) -> None:
    three.next().rest(60)
    assert [three.next().url for _ in range(4)] == ["b:2", "c:3", "b:2", "c:3"]


def test_where_all_rest_the_first_to_wake_is_asked(three: Servers) -> None:
    for seconds in (60, 20, 40):
        three.next().rest(seconds)
    assert three.next().url == "b:2"


def test_an_address_of_numbers_is_itself_and_counts_once() -> None:
    assert resolve(["127.0.0.1:8001", "127.0.0.1:8001", "[::1]:9"]) == ["127.0.0.1:8001", "[::1]:9"]


def test_a_name_that_leads_nowhere_is_named() -> None:
    with pytest.raises(ServiceError, match=r"no-such-host\.invalid:1: the name cannot be resolved"):
        resolve(["no-such-host.invalid:1"])
