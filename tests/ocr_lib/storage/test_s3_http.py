"""Answers end at their deadline, whatever arrives meanwhile, and are no larger than allowed."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses
from ocr_lib.settings import Settings
from ocr_lib.storage import s3_http
from ocr_lib.storage.s3 import DigestError, S3Client, UnansweredError
from ocr_lib.storage.s3_server import REGION
from ocr_lib.storage.store import Store
from tests.fault_proxy import FaultProxy, answer, drip, lost_answer, reset, status, truncated

XML = {"content-type": "application/xml"}


@pytest.fixture
def proxy(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    monkeypatch.setattr(s3_http, "PAUSES", Pauses(0.01))
    with FaultProxy(store.client.endpoint) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> S3Client:
    return client_of(proxy.endpoint)


def client_of(endpoint: str, timeout_s: float = 5.0) -> S3Client:
    settings = Settings.from_env()
    keys = settings.s3_access_key, settings.s3_secret_key
    return S3Client(endpoint, *keys, REGION, timeout_s=timeout_s)


def test_a_pointer_that_drips_is_given_up_long_before_a_large_object_would_be(
    proxy: FaultProxy, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put("ocr", "dripping", b"x" * 2000)
    monkeypatch.setattr(s3_http, "SMALL_S", 0.1)
    rule = proxy.add(drip(1, 0.02), method="GET", times=None)
    with pytest.raises(UnansweredError, match="its answer had not ended after 0 s"):
        client.get("ocr", "dripping", 4000)
    assert rule.injected == 1


def test_a_large_object_has_time_by_its_size(
    proxy: FaultProxy, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put("ocr", "large", b"x" * 100)
    monkeypatch.setattr(s3_http, "SMALL_S", 0.0)
    monkeypatch.setattr(s3_http, "SLOWEST_BYTES_PER_S", 1)
    proxy.add(drip(10, 0.01), method="GET")
    assert client.get("ocr", "large", 100)[0] == b"x" * 100


def test_a_listing_that_drips_is_given_up(
    proxy: FaultProxy, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put("ocr", "listing drips", b"")
    monkeypatch.setattr(s3_http, "ANSWER_S", 0.1)
    proxy.add(drip(1, 0.02), method="GET", times=None)
    with pytest.raises(UnansweredError, match="its answer had not ended"):
        list(client.list("ocr", ""))


def test_an_error_that_drips_is_given_up(
    proxy: FaultProxy, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_http, "ANSWER_S", 0.1)
    with FaultProxy(proxy.endpoint) as before:
        before.add(drip(1, 0.02), times=None)
        proxy.add(answer(404, b"<Error>" + b" " * 500 + b"</Error>", XML), times=None)
        with pytest.raises(UnansweredError, match="its answer had not ended"):
            client_of(before.endpoint).get("ocr", "absent", 9)


def test_headers_that_drip_are_given_up(store: Store) -> None:
    closing = threading.Event()

    def feed(server: socket.socket) -> None:
        while not closing.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=drip_headers, args=(peer,), daemon=True).start()

    def drip_headers(peer: socket.socket) -> None:
        with peer:
            try:
                peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not closing.wait(0.02):
                    peer.sendall(b"x")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=feed, args=(server,), daemon=True).start()
        client = client_of(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.1)
        with pytest.raises(UnansweredError, match="does not answer"):
            client.get("ocr", "a", 9)
        closing.set()


def test_no_more_is_read_than_allowed(proxy: FaultProxy, client: S3Client) -> None:
    client.put("ocr", "larger", b"x" * 100)
    with pytest.raises(DigestError, match="more than 99 bytes"):
        client.get("ocr", "larger", 99)


def test_a_listing_without_end_is_no_store(
    proxy: FaultProxy, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_http, "MAX_ANSWER_BYTES", 1000)
    proxy.add(answer(200, b" " * 1001, XML), times=None)
    with pytest.raises(ServiceError, match="no S3 server answers"):
        list(client.list("ocr", ""))


@pytest.mark.parametrize("fault", [status(503), status(429), reset(), lost_answer(), truncated()])
def test_failures_that_pass_are_repeated(
    proxy: FaultProxy, client: S3Client, fault: object, tmp_path: Path
) -> None:
    client.put("ocr", "repeated", b"content")
    rule = proxy.add(fault, method="GET", times=2)  # type: ignore[arg-type]
    client.get_file("ocr", "repeated", tmp_path / "file", 7, "")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert rule.injected == 2


def test_a_wait_that_the_server_asks_for_is_not_kept(proxy: FaultProxy, client: S3Client) -> None:
    client.put("ocr", "later", b"content")
    proxy.add(answer(503, b"", {"retry-after": "86400"}), method="GET", times=2)
    assert client.get("ocr", "later", 7)[0] == b"content"
