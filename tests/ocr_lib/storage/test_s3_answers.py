"""What failures of S3 stores mean, and what is no S3 server: a web page, a proxy, other XML."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.polling import Pauses
from ocr_lib.storage import s3, s3_http
from ocr_lib.storage.s3 import S3Client, UnansweredError
from ocr_lib.storage.store import Store
from tests.fault_proxy import Exchange, FaultProxy, answer, s3_error

PAGE = b"<html><body>Welcome</body></html>"  # well-formed XML as well


class WebPage(BaseHTTPRequestHandler):
    """Answers every request with a page."""

    protocol_version = "HTTP/1.1"
    status = 200
    etag = ""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        if self.etag:
            self.send_header("ETag", self.etag)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(PAGE)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def web_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with ThreadingHTTPServer(("127.0.0.1", 0), WebPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in {
            "OCR_S3_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OCR_S3_BUCKET": "ocr",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        yield Store.from_env()
        server.shutdown()


CALLS: dict[str, Callable[[Store, Path], object]] = {
    "list": lambda store, _: store.list("registry/"),
    "look up": lambda store, _: store.exists("a"),
    "read": lambda store, _: store.get_json("a"),
    "write": lambda store, _: store.put_json("a", {}),
    "write on a condition": lambda store, _: store.client.put_if("ocr", "a", b"", None),
    "read a tree": lambda store, folder: store.get_tree("s3://ocr/tree", folder / "tree"),
    "find a source": lambda store, folder: store.fetch_source("s3://ocr/tree", folder / "tree"),
}


@pytest.mark.parametrize("etag", ["", '"page"'])
@pytest.mark.parametrize("call", CALLS)
def test_a_web_page_is_no_store(
    web_store: Store, call: str, etag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebPage, "etag", etag)
    with pytest.raises(ServiceError, match=r"no S3 server answers\. Check OCR_S3_ENDPOINT"):
        CALLS[call](web_store, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_web_page_with_an_error_is_no_store(
    web_store: Store, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebPage, "status", status)
    with pytest.raises(ServiceError, match=r"no S3 server answers\. Check OCR_S3_ENDPOINT"):
        web_store.list("registry/")
    with pytest.raises(ServiceError, match=r"no S3 server answers\. Check OCR_S3_ENDPOINT"):
        web_store.put_json("a", {})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OCR_S3_BUCKET", "No_Such Bucket"),
        ("OCR_S3_BUCKET", "a"),
        ("OCR_S3_BUCKET", "a..b"),
        ("OCR_S3_BUCKET", "a/b/c"),
        ("OCR_S3_ENDPOINT", "http://127.0.0.1:99999"),
        ("OCR_S3_ENDPOINT", "http://127.0.0.1:port"),
        ("OCR_S3_ENDPOINT", "http://user:word@host"),
        ("OCR_S3_ENDPOINT", "http://a b"),
        ("OCR_S3_ENDPOINT", "ftp://host"),
        ("AWS_DEFAULT_REGION", "eu west"),
    ],
)
def test_settings_that_cannot_be_are_named(
    web_store: Store, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=f"^{variable}: '{value}'"):
        Store.from_env()


@pytest.mark.parametrize(
    "uri", ["s3://ocr", "s3://ocr/", "s3:///key", "s3://b d/key", "gs://b/key"]
)
def test_addresses_that_cannot_be_are_named(web_store: Store, uri: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{uri[:8]}"):
        web_store.fetch_source(uri, tmp_path / "x")


XML = {"content-type": "application/xml"}
CODES = {
    "RequestTimeTooSkewed": (403, "RequestTimeTooSkewed. The clock of this machine and that of"),
    "AuthorizationHeaderMalformed": (400, "Malformed. Set AWS_DEFAULT_REGION to eu-west-1."),
    "ExpiredToken": (400, "ExpiredToken. These credentials have expired: set new ones."),
    "SlowDown": (503, "SlowDown. The store is asked for too much: run this again later"),
    "InvalidBucketName": (400, "InvalidBucketName. Use 3 to 63 lower-case letters"),
    "QuotaExceeded": (403, "QuotaExceeded. Free some room in the bucket"),
    "NewCode": (403, "NewCode. Look into the store's log."),
}


@pytest.fixture
def faulty(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FaultProxy, Store]]:
    monkeypatch.setattr(s3, "UNANSWERED_FOR_S", 0.0)
    monkeypatch.setattr(s3_http, "PAUSES", Pauses(0.01))
    with FaultProxy(store.client.endpoint) as proxy:
        monkeypatch.setenv("OCR_S3_ENDPOINT", proxy.endpoint)
        yield proxy, Store.from_env()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", CODES)
def test_each_error_code_says_what_to_do(
    faulty: tuple[FaultProxy, Store], code: str, call: str, tmp_path: Path
) -> None:
    proxy, store = faulty
    status, message = CODES[code]
    proxy.add(s3_error(code, status, Region="eu-west-1"), times=None)
    with pytest.raises(ServiceError, match=re.escape(message)) as error:
        CALLS[call](store, tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["text/html", "application/xml"])
def test_a_proxy_that_cannot_reach_the_store_is_told_from_one_that_is_none(
    faulty: tuple[FaultProxy, Store], call: str, kind: str, tmp_path: Path
) -> None:
    proxy, store = faulty
    proxy.add(answer(502, b"<html>Bad Gateway</html>", {"content-type": kind}), times=None)
    with pytest.raises(UnansweredError, match=r"status 502"):
        CALLS[call](store, tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        b"<ListBucketResult><Contents><Key>a",
        b"<ListBucketResult><Contents><Key>a</Key><LastModified>yesterday</LastModified>"
        b"<Size>1</Size></Contents></ListBucketResult>",
        b"<Other/>",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_listing_that_is_none_is_no_store(faulty: tuple[FaultProxy, Store], body: bytes) -> None:
    proxy, store = faulty
    proxy.add(answer(200, body, XML), times=None)
    with pytest.raises(ServiceError, match=r"no S3 server answers\. Check OCR_S3_ENDPOINT"):
        store.list("registry/")


@pytest.mark.parametrize("name", ["last-modified", "date"])
def test_a_date_that_is_none_is_no_store(faulty: tuple[FaultProxy, Store], name: str) -> None:
    proxy, store = faulty

    def misdated(exchange: Exchange) -> None:
        whole = exchange.forward()
        headers = {key.lower(): value for key, value in whole.headers.items()}
        exchange.send(replace(whole, headers={**headers, name: "yesterday"}))

    store.put_bytes("misdated", b"")
    proxy.add(misdated, method="HEAD", times=None)
    with pytest.raises(ServiceError, match=r"no S3 server answers\. Check OCR_S3_ENDPOINT"):
        store.age_s("misdated")


def test_a_bucket_s_name_that_the_store_would_refuse_is_named(store: Store) -> None:
    with pytest.raises(ServiceError, match=r"InvalidBucketName\. Use 3 to 63 lower-case letters"):
        store.client.make_bucket("A_B")


def test_a_port_without_tls_is_named(store: Store) -> None:
    client = S3Client(store.client.endpoint.replace("http:", "https:"), "a", "b", "us-east-1")
    with pytest.raises(ServiceError, match=r"TLS fails \(.*\)\. Check OCR_S3_ENDPOINT: http://"):
        client.get("ocr", "a", 9)


def test_a_certificate_of_another_name_is_named(store: Store, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("store.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FaultProxy(store.client.endpoint, context=context) as proxy:
        client = S3Client(proxy.endpoint, "a", "b", "us-east-1", ca_file=str(tmp_path / "ca.pem"))
        with pytest.raises(ServiceError, match="Give the name in the certificate in OCR_S3_ENDP"):
            client.get("ocr", "a", 9)
