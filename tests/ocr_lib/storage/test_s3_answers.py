"""What is no S3 server: a web page answers, with whatever status."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.storage.store import Store

PAGE = b"<html><body>Welcome</body></html>"  # well-formed XML as well


class WebPage(BaseHTTPRequestHandler):
    """Answers every request with a page."""

    protocol_version = "HTTP/1.1"
    status = 200

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
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


@pytest.mark.parametrize("call", CALLS)
def test_a_web_page_is_no_store(web_store: Store, call: str, tmp_path: Path) -> None:
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
