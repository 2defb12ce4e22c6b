"""Each fault does what its name says, before a real object store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import urllib3

from ocr_lib.errors import ServiceError
from ocr_lib.storage.s3 import MissingObjectError, S3Client
from ocr_lib.storage.s3_server import REGION, S3Server
from ocr_lib.storage.store import Store
from tests.fault_proxy import (
    Exchange,
    Fault,
    FaultProxy,
    Rule,
    damaged_upload,
    drip,
    faulty_store,
    held,
    html_page,
    lost_answer,
    not_found,
    reset,
    s3_error,
    silent,
    skewed_clock,
    status,
    truncated,
    wrong_bytes,
)

HTTP_TIMEOUT = urllib3.Timeout(connect=5.0, read=5.0)


@pytest.fixture
def proxy(store: Store) -> Iterator[FaultProxy]:
    with FaultProxy(store.client.endpoint) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy, s3_server: S3Server) -> S3Client:
    keys = s3_server.environment()
    return S3Client(
        proxy.endpoint, keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], REGION
    )


def get(proxy: FaultProxy, client: S3Client, key: str) -> urllib3.BaseHTTPResponse:
    """Reads an object as it comes, once."""
    url = client._minio.presigned_get_object("ocr", key)
    return urllib3.request("GET", url, retries=False, timeout=HTTP_TIMEOUT)


def test_without_rules_all_goes_through(proxy: FaultProxy, client: S3Client) -> None:
    client.put("ocr", "proxied/ü+%20 a", b"content")
    assert client.get("ocr", "proxied/ü+%20 a", 9)[0] == b"content"
    assert [item.key for item in client.list("ocr", "proxied/")] == ["proxied/ü+%20 a"]
    stored = client.stat("ocr", "proxied/ü+%20 a")
    assert stored is not None
    assert stored.size == 7
    assert proxy.requests[0] == ("PUT", "ocr/proxied/ü+%20 a")


@pytest.mark.parametrize("fault", [status(503), reset(), lost_answer()])
def test_passing_faults_are_repeated(proxy: FaultProxy, client: S3Client, fault: Fault) -> None:
    rule = proxy.add(fault, method="PUT", key="repeated", times=2)
    client.put("ocr", "repeated", b"content")
    assert rule.injected == 2
    assert [method for method, _ in proxy.requests] == ["PUT"] * 3


def test_a_lost_answer_is_of_a_request_that_was_served(
    proxy: FaultProxy, client: S3Client, store: Store
) -> None:
    proxy.add(lost_answer(), method="PUT", times=None)
    with pytest.raises(Exception, match="does not answer"):
        client.put("ocr", "served", b"content")
    assert store.get_bytes("served", 9) == b"content"


def test_a_reset_request_was_not_served(proxy: FaultProxy, client: S3Client, store: Store) -> None:
    proxy.add(reset(), method="PUT", times=None)
    with pytest.raises(Exception, match="reset by peer"):
        client.put("ocr", "unserved", b"content")
    assert not store.exists("unserved")


def test_an_object_is_hidden_after_it_was_put(proxy: FaultProxy, client: S3Client) -> None:
    rule = proxy.add(not_found(), method="GET|HEAD", after="PUT", times=2)
    assert client.stat("ocr", "hidden/none") is None
    assert rule.injected == 0
    client.put("ocr", "hidden/a", b"content")
    assert client.stat("ocr", "hidden/a") is None
    with pytest.raises(MissingObjectError):
        client.get("ocr", "hidden/a", 9)
    assert client.get("ocr", "hidden/a", 9)[0] == b"content"


def test_bodies_are_harmed(proxy: FaultProxy, client: S3Client, store: Store) -> None:
    client.put("ocr", "harmed", b"0123456789")
    proxy.add(wrong_bytes(), method="GET")
    harmed = get(proxy, client, "harmed")
    assert (len(harmed.data), harmed.data[:5], harmed.data[6:]) == (10, b"01234", b"6789")
    assert harmed.data != b"0123456789"
    proxy.add(truncated(), method="GET")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="5 bytes read, 5 more expected"):
        get(proxy, client, "harmed")
    proxy.add(drip(3, 0.0), method="GET")
    assert get(proxy, client, "harmed").data == b"0123456789"
    proxy.add(html_page(), method="GET")
    assert get(proxy, client, "harmed").data.startswith(b"<!DOCTYPE html>")
    proxy.add(s3_error("AuthorizationHeaderMalformed", 400, Region="eu-west-1"), method="GET")
    answer = get(proxy, client, "harmed")
    assert (answer.status, b"<Region>eu-west-1</Region>" in answer.data) == (400, True)


def test_an_upload_is_harmed(proxy: FaultProxy) -> None:
    bodies: list[bytes] = []

    def keep(exchange: Exchange) -> None:
        bodies.append(exchange.body)
        exchange.close()

    proxy.add(keep)
    with FaultProxy(proxy.endpoint) as before:
        before.add(damaged_upload())
        with pytest.raises(urllib3.exceptions.HTTPError):
            urllib3.request("PUT", f"{before.endpoint}/ocr/x", body=b"abc", retries=False)
    assert bodies == [b"a\x9dc"]


def test_a_silent_server_ends_with_the_proxy(proxy: FaultProxy) -> None:
    proxy.add(silent())
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        urllib3.request("GET", f"{proxy.endpoint}/ocr/x", retries=False, timeout=0.2)


def test_a_clock_is_skewed(proxy: FaultProxy, client: S3Client) -> None:
    client.put("ocr", "skewed", b"")
    proxy.add(skewed_clock(-86_400))
    answer = get(proxy, client, "skewed")
    behind = datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"])
    assert behind.days == 1
    assert "last-modified" in answer.headers


def test_a_held_request_is_served_when_it_is_released(store: Store) -> None:
    write = Rule(held(), "PUT", "held/*")
    with faulty_store(store, write) as slow, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(slow.put_bytes, "held/a", b"content")
        assert write.reached.wait(60)
        assert not store.exists("held/a")
        write.release.set()
        writing.result(60)
    assert store.get_bytes("held/a", 9) == b"content"
    assert write.statuses == [200]


def test_a_fault_that_was_not_injected_is_an_error(store: Store) -> None:
    with pytest.raises(AssertionError, match="not injected"), faulty_store(store, Rule(reset())):
        pass


def test_listings_and_objects_are_told_apart(store: Store) -> None:
    store.put_bytes("apart/a", b"content")
    listing, reading = (Rule(status(404), "GET", key, times=None) for key in ("", "?*"))
    with faulty_store(store, listing, reading) as faulty:
        for ask in (lambda: faulty.list("apart/"), lambda: faulty.get_bytes("apart/a", 9)):
            with pytest.raises(ServiceError):
                ask()
    assert (listing.injected, reading.injected) == (1, 1)


def test_rules_count_and_draw(proxy: FaultProxy) -> None:
    proxy.add(status(500), key="first", skip=1)
    proxy.add(status(204), key="[fd]*", times=None, probability=0.5)
    proxy.add(status(201), times=None)

    def ask(name: str) -> int:
        url = f"{proxy.endpoint}/ocr/{name}"
        return urllib3.request("GET", url, retries=False, timeout=HTTP_TIMEOUT).status

    assert ask("first") in (204, 201)
    assert ask("first") == 500
    assert {ask("drawn") for _ in range(20)} == {204, 201}
    proxy.clear()
    assert ask("first") == 400  # the store's own answer to a request without a signature
