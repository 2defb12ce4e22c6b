"""One endpoint, tried on real servers: calls, deadlines, and conditional writes."""

import glob
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
import urllib3

from ocr_lib.digest import sha256_file
from ocr_lib.errors import ServiceError
from ocr_lib.settings import Settings
from ocr_lib.storage import s3
from ocr_lib.storage.etag import PART_BYTES
from ocr_lib.storage.s3 import (
    ConflictError,
    DigestError,
    MissingObjectError,
    S3Client,
    UnansweredError,
)
from ocr_lib.storage.s3_server import REGION
from ocr_lib.storage.store import Store
from tests.conditional_s3 import KEY, SECRET
from tests.fault_proxy import Answer, Exchange, FaultProxy, damaged_upload, wrong_bytes
from tests.ocr_lib.storage.uploads import start_upload

ABSENT = None


class Proxy(ThreadingHTTPServer):
    """Passes requests on; `answers` says what becomes of the answers to the first PUTs.

    "lost": the connection is closed; a number: that status instead, and nothing is passed on.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.upstream = upstream
        self.answers: list[str | int] = []
        self.puts = 0
        self.upload_s: float | None = None  # conditions are evaluated before, as some stores do


class Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        put = self.command == "PUT"
        self.server.puts += put
        answer = self.server.answers.pop(0) if put and self.server.answers else None
        if isinstance(answer, int):
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if put and self.server.upload_s is not None and self._refused_before_upload():
            return
        upstream = urllib3.request(
            self.command,
            self.server.upstream + self.path,
            body=body,
            headers=dict(self.headers),
            retries=False,
        )
        if answer == "lost":
            self.close_connection = True
            return
        self.send_response(upstream.status)
        for name in ("ETag", "Last-Modified", "Content-Type"):
            if name in upstream.headers:
                self.send_header(name, upstream.headers[name])
        length = upstream.headers.get("Content-Length", str(len(upstream.data)))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(upstream.data)

    def _refused_before_upload(self) -> bool:
        """Evaluates a condition, then takes a while to upload without it."""
        stored = urllib3.request("HEAD", self.server.upstream + self.path, retries=False)
        etag = stored.headers.get("ETag") if stored.status == 200 else None
        if etag != self.headers["If-Match"]:  # none and absent, or equal
            self.send_response(412)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return True
        del self.headers["If-Match"], self.headers["If-None-Match"]
        time.sleep(self.server.upload_s or 0.0)
        return False

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def proxy(store: Store, context: ssl.SSLContext | None = None) -> Iterator[tuple[Proxy, S3Client]]:
    with Proxy(store.client.endpoint) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        scheme = "https" if context else "http"
        endpoint = f"{scheme}://127.0.0.1:{server.server_port}"
        yield server, S3Client(endpoint, KEY, SECRET, "us-east-1", timeout_s=20.0)
        server.shutdown()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield int(server.getsockname()[1])


def test_objects_are_written_read_and_removed(any_store: Store) -> None:
    client, bucket = any_store.client, any_store.bucket
    etag = client.put(bucket, "one/ü+%20 a", b"begin and end")
    assert client.get(bucket, "one/ü+%20 a", 13) == (b"begin and end", etag)
    assert client.get_end(bucket, "one/ü+%20 a", 13, 3) == b"end"
    assert client.get_end(bucket, "one/ü+%20 a", 13, 99) == b"begin and end"
    stored = client.stat(bucket, "one/ü+%20 a")
    assert stored is not None
    assert (stored.key, stored.size, stored.etag) == ("one/ü+%20 a", 13, etag)
    for _ in range(2):
        client.remove(bucket, "one/ü+%20 a")
    assert client.stat(bucket, "one/ü+%20 a") is None
    with pytest.raises(MissingObjectError, match="NoSuchKey"):
        client.get(bucket, "one/ü+%20 a", 99)


def test_an_object_larger_than_asked_for_is_not_read_on(any_store: Store) -> None:
    any_store.client.put(any_store.bucket, "large", b"x" * 100)
    with pytest.raises(DigestError, match="more than 99 bytes"):
        any_store.client.get(any_store.bucket, "large", 99)


def test_a_listing_goes_by_prefix_and_a_folder_by_its_name(any_store: Store) -> None:
    client, bucket = any_store.client, any_store.bucket
    for key in ("listed/b/1", "listed/a/deep/er", "listed/file", "listed-not"):
        client.put(bucket, key, b"")
    keys = [item.key for item in client.list(bucket, "listed/")]
    assert keys == ["listed/a/deep/er", "listed/b/1", "listed/file"]
    assert client.folders(bucket, "listed/", 3) == ("a", "b")
    with pytest.raises(ServiceError, match="more than 2 entries"):
        client.folders(bucket, "listed/", 2)


def test_a_file_comes_back_whole_or_not_at_all(any_store: Store, tmp_path: Path) -> None:
    client, bucket = any_store.client, any_store.bucket
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 1000)
    digest = sha256_file(source)
    client.put_file(bucket, "file", source)
    target.with_name("target.part").write_bytes(source.read_bytes()[:1000])  # of a killed process
    client.get_file(bucket, "file", target, 256_000, digest)
    assert target.read_bytes() == source.read_bytes()
    target.unlink()
    target.with_name("target.part").write_bytes(b"of another object")
    client.get_file(bucket, "file", target, 256_000, digest)
    assert target.read_bytes() == source.read_bytes()
    target.unlink()
    with pytest.raises(DigestError, match="damaged or replaced"):
        client.get_file(bucket, "file", target, 256_000, "0" * 64)
    with pytest.raises(DigestError, match="256000 bytes where the manifest says 256001"):
        client.get_file(bucket, "file", target, 256_001, digest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_a_bucket_is_made_once(any_store: Store) -> None:
    for _ in range(2):
        any_store.client.make_bucket("made-once")
    any_store.client.put("made-once", "a", b"")
    with pytest.raises(MissingObjectError, match=r"NoSuchBucket\. Create the bucket"):
        any_store.client.put("never-made", "a", b"")


def test_a_store_that_is_down_is_named(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    client = S3Client(f"http://127.0.0.1:{closed_port}", KEY, SECRET, "us-east-1", timeout_s=0.2)
    calls: list[Callable[[], object]] = [
        lambda: client.get("ocr", "x", 9),
        lambda: client.put("ocr", "x", b""),
        lambda: client.put_if("ocr", "x", b"", None),
        lambda: list(client.list("ocr", "x")),
    ]
    for call in calls:
        with pytest.raises(UnansweredError, match=f"127.0.0.1:{closed_port}.*does not answer"):
            call()


def test_a_silent_store_meets_the_deadline(
    silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    client = S3Client(f"http://127.0.0.1:{silent_port}", KEY, SECRET, "us-east-1", timeout_s=0.2)
    for call in (lambda: client.get("ocr", "x", 9), lambda: client.put_if("ocr", "x", b"", None)):
        with pytest.raises(UnansweredError, match="does not answer"):
            call()
    patient = S3Client(f"http://127.0.0.1:{silent_port}", KEY, SECRET, "us-east-1", timeout_s=3600)
    with pytest.raises(UnansweredError, match="does not answer"):
        patient.with_timeout(0.2).get("ocr", "x", 9)


def test_an_object_is_created_once(conditional_store: Store) -> None:
    client, bucket = conditional_store.client, conditional_store.bucket
    first = client.put_if(bucket, "once/ü+%20 a", b"first", ABSENT)
    with pytest.raises(ConflictError, match=r"once/ü.*changed by another process"):
        client.put_if(bucket, "once/ü+%20 a", b"second", ABSENT)
    assert client.get(bucket, "once/ü+%20 a", 99) == (b"first", first)


def test_an_object_is_replaced_where_it_is_as_it_was(conditional_store: Store) -> None:
    client, bucket = conditional_store.client, conditional_store.bucket
    first = client.put(bucket, "replaced", b"first")
    second = client.put_if(bucket, "replaced", b"second", first)
    with pytest.raises(ConflictError):
        client.put_if(bucket, "replaced", b"third", first)
    assert client.get(bucket, "replaced", 99) == (b"second", second)
    with pytest.raises(ConflictError):
        client.put_if(bucket, "removed meanwhile", b"third", first)


def test_one_of_fifty_contenders_wins(conditional_store: Store) -> None:
    client, bucket = conditional_store.client, conditional_store.bucket
    former = client.put(bucket, "contended", b"former")
    start = threading.Barrier(50)

    def contend(number: int) -> bool:
        start.wait(60)
        try:
            client.put_if(bucket, "contended", f"from {number}".encode(), former)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        won = list(pool.map(contend, range(50)))
    assert won.count(True) == 1
    assert client.get(bucket, "contended", 99)[0] == f"from {won.index(True)}".encode()


@pytest.mark.parametrize("answers", [["lost"], ["lost", "lost"], [503, "lost"], [500, 502]])
def test_a_lost_answer_is_settled_by_reading(
    conditional_store: Store, answers: list[str | int], request: pytest.FixtureRequest
) -> None:
    key = request.node.name
    with proxy(conditional_store) as (server, client):
        server.answers = answers.copy()
        etag = client.put_if(conditional_store.bucket, key, b"own", ABSENT)
        assert server.puts == len(answers) + 1
    assert conditional_store.client.get(conditional_store.bucket, key, 99) == (b"own", etag)


def test_a_lost_answer_does_not_hide_a_conflict(conditional_store: Store) -> None:
    conditional_store.client.put(conditional_store.bucket, "taken", b"theirs")
    with proxy(conditional_store) as (server, client):
        server.answers = ["lost"]
        with pytest.raises(ConflictError):
            client.put_if(conditional_store.bucket, "taken", b"own", ABSENT)


def test_a_store_that_only_fails_is_named(
    conditional_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.5)
    with proxy(conditional_store) as (server, client):
        server.answers = [503] * 9
        with pytest.raises(
            UnansweredError, match=r"failing at .* does not answer \(status 503\)\. Check"
        ):
            client.put_if(conditional_store.bucket, "failing", b"own", ABSENT)


def test_conditional_writes_trust_the_same_authorities(
    conditional_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    with proxy(conditional_store, context) as (_, stranger):
        untrusted = r"certificate is not trusted \(.*\)\. Name a PEM file .* in OCR_CA_FILE\.$"
        with pytest.raises(ServiceError, match=untrusted):
            stranger.put_if(conditional_store.bucket, "over tls", b"own", ABSENT)
        client = S3Client(
            stranger.endpoint, KEY, SECRET, "us-east-1", ca_file=str(tmp_path / "ca.pem")
        )
        client.put_if(conditional_store.bucket, "over tls", b"own", ABSENT)
    assert conditional_store.client.get(conditional_store.bucket, "over tls", 9)[0] == b"own"


def test_a_store_that_ignores_conditions_is_told(store: Store) -> None:
    assert not store.client.honours_conditions(store.bucket, "probes/1")
    assert store.list("probes/") == []


def test_a_store_that_honours_conditions_is_told(conditional_store: Store) -> None:
    assert conditional_store.client.honours_conditions(conditional_store.bucket, "probes/1")
    assert conditional_store.list("probes/") == []


@pytest.mark.parametrize("conditional_store", ["moto"], indirect=True)  # which takes any signature
def test_a_store_that_evaluates_conditions_before_it_writes_is_told(
    conditional_store: Store,
) -> None:
    bucket = conditional_store.bucket
    with proxy(conditional_store) as (server, client):
        server.upload_s = 0.0
        first = client.put_if(bucket, "racy", b"first", ABSENT)
        with pytest.raises(ConflictError):  # one writer after the other, it looks right
            client.put_if(bucket, "racy", b"second", ABSENT)
        client.put_if(bucket, "racy", b"second", first)
        server.upload_s = 0.5
        assert not client.honours_conditions(bucket, "probes/1")
    assert conditional_store.list("probes/") == []


def test_the_age_of_an_object_is_by_the_clock_of_the_store(any_store: Store) -> None:
    any_store.put_bytes("aging", b"")
    age_s = any_store.age_s("aging")
    assert age_s is not None
    assert -1.0 <= age_s < 3600.0
    assert any_store.age_s("no such object") is None


def test_an_upload_that_never_ended_is_listed_and_ended(any_store: Store) -> None:
    client, bucket = any_store.client, any_store.bucket
    keys = [f"uploads/a b+{number}.bin" for number in range(3)]
    for key in keys:
        start_upload(any_store, key)
    assert [item.key for item in client.uploads(bucket, "uploads/")] == keys
    assert not list(client.uploads(bucket, "uploads/c"))
    for item in list(client.uploads(bucket, "uploads/a b+1")):
        client.abort_upload(bucket, item)
        client.abort_upload(bucket, item)  # again, as after an answer that was lost
    assert [item.key for item in client.uploads(bucket, "uploads/")] == [keys[0], keys[2]]


def test_a_refused_listing_of_uploads_is_an_error(any_store: Store) -> None:
    with pytest.raises(MissingObjectError, match="NoSuchBucket"):
        list(any_store.client.uploads("no-such-bucket", ""))


@pytest.mark.parametrize("size", [1000, PART_BYTES + 1000])
def test_an_upload_that_was_damaged_on_its_way_goes_up_again(
    any_store: Store, tmp_path: Path, size: int, request: pytest.FixtureRequest
) -> None:
    path, key = tmp_path / "file", request.node.name
    path.write_bytes(bytes(range(250)) * (size // 250))
    with FaultProxy(any_store.client.endpoint) as server:
        client = S3Client(server.endpoint, *keys_of_environment(), REGION)
        rule = server.add(damaged_upload(), method="PUT", key=glob.escape(key))
        client.put_file(any_store.bucket, key, path)
        assert rule.injected == 1
        content, _ = any_store.client.get(any_store.bucket, key, size)
        assert content == path.read_bytes()
        rule = server.add(damaged_upload(), method="PUT", key=f"{glob.escape(key)}*", times=None)
        with pytest.raises(DigestError, match=r"damaged on its way to the store, 2 times\. Check"):
            client.put_file(any_store.bucket, key, path)
        with pytest.raises(DigestError, match="damaged on its way"):
            client.put(any_store.bucket, f"{key} of bytes", b"content")


def test_a_damaged_write_does_not_replace_what_is_there(store: Store) -> None:
    """On a store that compares the MD5 which the request says."""
    former = store.put_bytes("refused/a", b"former")
    with FaultProxy(store.client.endpoint) as server:
        client = S3Client(server.endpoint, *keys_of_environment(), REGION)
        rule = server.add(damaged_upload(), method="PUT", times=None)
        with pytest.raises(DigestError, match=r"damaged on its way to the store, 2 times\. Check"):
            client.put(store.bucket, "refused/a", b"content")
        with pytest.raises(
            DigestError, match=r"BadDigest\. It was damaged on its way to the store"
        ):
            client.put_if(store.bucket, "refused/a", b"content", former)
    assert rule.statuses == [400, 400, 400]
    assert store.get_bytes("refused/a", 9) == b"former"


def test_a_store_whose_tags_are_no_md5_is_read_once(store: Store) -> None:
    def other_tag(exchange: Exchange) -> None:
        whole = exchange.forward()
        headers = {**whole.headers, "Etag": '"0123456789abcdef0123456789abcdef"'}
        exchange.send(Answer(whole.status, headers, whole.body))

    with FaultProxy(store.client.endpoint) as server:
        client = S3Client(server.endpoint, *keys_of_environment(), REGION)
        server.add(other_tag, method="PUT", times=None)
        for number in range(3):
            client.put(store.bucket, f"encrypted/{number}", b"content")
    assert [method for method, _ in server.requests] == ["PUT", "GET", "PUT", "PUT"]


def test_bytes_that_were_damaged_on_their_way_are_asked_for_again(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "source").write_bytes(b"content")
    store.client.put_file(store.bucket, "on its way", tmp_path / "source")
    digest = sha256_file(tmp_path / "source")
    with FaultProxy(store.client.endpoint) as server:
        client = S3Client(server.endpoint, *keys_of_environment(), REGION)
        rule = server.add(wrong_bytes(), method="GET", times=1)
        client.get_file(store.bucket, "on its way", tmp_path / "target", 7, digest)
        assert rule.injected == 1
    assert (tmp_path / "target").read_bytes() == b"content"


def keys_of_environment() -> tuple[str, str]:
    settings = Settings.from_env()
    return settings.s3_access_key, settings.s3_secret_key
