"""Getting a session by filling in Dex's login form."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from ocr_lib.errors import ConfigError, ServiceError
from pipelines.kfp_api.connection import connect
from pipelines.kfp_api.dex import login
from tests.pipelines.kfp_api.kfp_server import KfpServer


class Dex(ThreadingHTTPServer):
    """The pages that stand between a browser and Kubeflow, as Dex and its proxy chain them."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def answer(self, status: int, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if "session=yes" in self.headers.get("Cookie", ""):
                    self.answer(200)
                elif path == "/dex/auth/local":
                    self.answer(302, Location="/dex/auth/local/login?state=1")
                elif path.startswith("/dex/auth"):
                    self.answer(200)
                else:
                    self.answer(302, Location="/dex/auth?client_id=kubeflow")

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if form == {"login": ["me"], "password": ["right"]}:
                    self.answer(303, Location="/", Set_Cookie="session=yes; HttpOnly")
                else:
                    self.answer(200)  # the form again

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def dex() -> Iterator[str]:
    with Dex() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_dex_gives_a_cookie_for_name_and_password(
    dex: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_KFP_USERNAME", "me")
    monkeypatch.setenv("OCR_KFP_PASSWORD", "right")
    assert connect(dex).cookie == "session=yes"
    monkeypatch.setenv("OCR_KFP_PASSWORD", "canary")
    with pytest.raises(ConfigError, match="Dex does not know 'me'") as error:
        connect(dex)
    assert "canary" not in str(error.value)


def test_a_server_without_a_login_needs_no_cookie(
    server: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_KFP_USERNAME", "me")
    monkeypatch.setenv("OCR_KFP_PASSWORD", "right")
    assert connect(server.url).cookie is None


def test_the_login_trusts_the_named_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Dex() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        host = f"https://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(ServiceError, match=r"the login failed \(SSLError\)"):
            login(host, "me", "right")
        assert login(host, "me", "right", str(tmp_path / "ca.pem")) == "session=yes"
        server.shutdown()
