"""Each way in which TLS keeps a client from a server is one message that names the setting."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.serving import client as client_module
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.client_tls import Tls, tls_problem
from ocr_lib.serving.connection import TritonConnection
from tests.ocr_lib.serving.certificates import SERVER_NAME, Certificates
from tests.ocr_lib.serving.tiny_bundle import line_image

WANTS_TLS = r"it wants TLS\. Set OCR_TRITON_TLS_CA to the PEM file of its authority\.$"
NO_TLS = r"it speaks no TLS\. Start it with a certificate, or unset OCR_TRITON_TLS_CA and OCR_"
OTHER_CA = r"its certificate is of no authority in OCR_TRITON_TLS_CA \(.*\)\. Set OCR_TRITON_TLS_CA"
OTHER_NAME = r"its certificate is not for (\S+)\. Set OCR_TRITON_TLS_NAME to a name that it is for"
NEEDS_CERT = r"it takes clients with a certificate only\. Set OCR_TRITON_TLS_CERT and OCR_TRITON_T"
HANDSHAKE = b"\x16"  # the first byte of a record with the beginning of TLS
END_OF_PEM = "-----END CERTIFICATE-----\n"
OTHER_CERT = r"it does not trust the certificate .*client\.pem\. Set OCR_TRITON_TLS_CERT and OCR_TR"


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls") / "theirs")


@pytest.fixture(scope="module")
def urls(certificates: Certificates) -> Iterator[dict[str, str]]:
    """Servers of gRPC, whose library is Triton's: without TLS, with it, and for known clients."""
    pair = [(certificates.key.read_bytes(), certificates.cert.read_bytes())]
    mutual = grpc.ssl_server_credentials(pair, certificates.ca.read_bytes(), True)
    kinds = {"plain": None, "tls": grpc.ssl_server_credentials(pair), "mutual": mutual}
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(how)) for name, how in kinds.items()}


class serving:  # noqa: N801 - a context manager
    """Runs a server without any service; yields its `host:port`."""

    def __init__(self, credentials: Any) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._server = grpc.server(self._pool)
        address = "127.0.0.1:0"
        port = (
            self._server.add_secure_port(address, credentials)
            if credentials
            else self._server.add_insecure_port(address)
        )
        self._url = f"127.0.0.1:{port}"

    def __enter__(self) -> str:
        self._server.start()
        return self._url

    def __exit__(self, *_: object) -> None:
        assert self._server.stop(None).wait(30)
        self._pool.shutdown()


def client(which: str, ours: Certificates, theirs: Certificates) -> Tls | None:
    return {
        "no TLS": None,
        "no certificate": ours.client(with_certificate=False),
        "their certificate": Tls(ours.ca, theirs.client_cert, theirs.client_key, SERVER_NAME),
        "their authority": theirs.client(),
        "another name": Tls(ours.ca, ours.client_cert, ours.client_key, "other.example"),
        "no name": Tls(ours.ca, ours.client_cert, ours.client_key),
        "ours": ours.client(),
    }[which]


@pytest.mark.parametrize(
    ("server", "which", "message"),
    [
        ("plain", "ours", NO_TLS),
        ("plain", "no certificate", NO_TLS),
        ("tls", "no TLS", WANTS_TLS),
        ("tls", "their authority", OTHER_CA),
        ("tls", "another name", OTHER_NAME),
        ("tls", "no name", OTHER_NAME),
        ("mutual", "no TLS", WANTS_TLS),
        ("mutual", "no certificate", NEEDS_CERT),
        ("mutual", "their certificate", OTHER_CERT),
        ("mutual", "their authority", OTHER_CA),
        ("mutual", "another name", OTHER_NAME),
    ],
)
def test_a_client_that_is_locked_out_is_told_the_setting_at_once(
    urls: dict[str, str],
    certificates: Certificates,
    stranger: Certificates,
    server: str,
    which: str,
    message: str,
) -> None:
    """Its deadline is an hour: a client that tried again until then would end by no other one."""
    connection = TritonConnection(client(which, certificates, stranger))
    url = urls[server]
    with (
        RecognitionClient(url, "m", timeout_s=3600, connection=connection) as reader,
        pytest.raises(ServiceError, match=rf"^Triton at {url}: cannot ask m: {message}"),
    ):
        reader.read(line_image("abc"))
    with (
        TritonAdmin(url, connection=connection) as admin,
        pytest.raises(ServiceError, match=rf"^Triton at {url}: cannot reach it: {message}"),
    ):
        admin.check_live()


@pytest.mark.parametrize(
    ("server", "which"),
    [("plain", "no TLS"), ("tls", "no certificate"), ("tls", "ours"), ("mutual", "ours")],
)
def test_where_tls_fits_it_is_no_problem(
    urls: dict[str, str],
    certificates: Certificates,
    stranger: Certificates,
    server: str,
    which: str,
) -> None:
    assert tls_problem(urls[server], client(which, certificates, stranger)) == ""


def test_the_server_s_own_certificate_may_be_the_trusted_one(
    urls: dict[str, str], certificates: Certificates, tmp_path: Path
) -> None:
    """gRPC takes it without the authority that issued it: its server answers, without a service."""
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(certificates.cert.read_text().partition(END_OF_PEM)[0] + END_OF_PEM)
    tls = Tls(leaf, name=SERVER_NAME)
    assert tls_problem(urls["tls"], tls) == ""
    with (
        RecognitionClient(urls["tls"], "m", connection=TritonConnection(tls)) as reader,
        pytest.raises(ServiceError, match=r"something else answers"),
    ):
        reader.read(line_image("abc"))


def test_a_server_that_is_away_has_no_problem_with_tls(
    certificates: Certificates, closed_port: int
) -> None:
    for tls in (None, certificates.client()):
        assert tls_problem(f"127.0.0.1:{closed_port}", tls) == ""
    with (
        TritonAdmin(f"127.0.0.1:{closed_port}", 2) as admin,
        pytest.raises(
            ServiceError, match=r"it does not answer\. Check the address, and that the s"
        ),
    ):
        admin.check_live()


def test_a_client_goes_on_to_servers_that_it_can_talk_to(
    urls: dict[str, str], certificates: Certificates
) -> None:
    """The second one answers, if only that it has no such service."""
    both = [urls["plain"], urls["tls"]]
    connection = TritonConnection(certificates.client())
    with (
        RecognitionClient(both, "m", timeout_s=60, connection=connection) as reader,
        pytest.raises(ServiceError, match=f"^Triton at {urls['tls']}: .*something else answers"),
    ):
        reader.read(line_image("abc"))


def test_a_certificate_that_is_out_of_date_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    old = authority.issue_cert(SERVER_NAME, not_after=datetime.now(UTC) - timedelta(days=1))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    chain = b"".join(blob.bytes() for blob in old.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(old.private_key_pem.bytes(), chain)])
    with serving(credentials) as url:
        problem = tls_problem(url, Tls(tmp_path / "ca.pem", name=SERVER_NAME))
    assert problem.startswith("its certificate is out of date (certificate has expired). Renew it")


@pytest.mark.parametrize(
    ("ca", "cert", "key", "message"),
    [
        ("none", None, None, r"^OCR_TRITON_TLS_CA: there is no file .*none\. Check the path\.$"),
        ("key", None, None, r"^OCR_TRITON_TLS_CA: .*key holds no certificates\. Name a file"),
        ("ca", "cert", None, r"^OCR_TRITON_TLS_KEY: is not set\. Set OCR_TRITON_TLS_CERT and OCR_"),
        ("ca", None, "key", r"^OCR_TRITON_TLS_CERT: is not set\. Set OCR_TRITON_TLS_CERT and OCR_"),
        ("ca", "cert", "none", r"^OCR_TRITON_TLS_KEY: there is no file "),
        ("ca", "cert", "other", r"^OCR_TRITON_TLS_CERT: .*cert and .*other are not a certif"),
        ("ca", "key", "key", r"^OCR_TRITON_TLS_CERT: .* are not a certificate and its key\. Na"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_before_anything_is_asked(
    certificates: Certificates,
    stranger: Certificates,
    tmp_path: Path,
    ca: str,
    cert: str | None,
    key: str | None,
    message: str,
) -> None:
    for name, source in (
        ("ca", certificates.ca),
        ("cert", certificates.client_cert),
        ("key", certificates.client_key),
        ("other", stranger.client_key),
    ):
        shutil.copy(source, tmp_path / name)
    with pytest.raises(ConfigError, match=message):
        Tls(tmp_path / ca, cert and tmp_path / cert, key and tmp_path / key)


def test_looking_for_the_cause_keeps_to_the_deadline_of_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server ends what gRPC begins, and keeps a connection that asks for TLS without a word."""
    monkeypatch.setattr(client_module, "PROBE_TIMEOUT_S", 1800)
    held: list[socket.socket] = []

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # shut down: the test is over
                return
            first = b""
            with suppress(OSError):  # the client is gone
                first = connection.recv(1)
            if first == HANDSHAKE:
                held.append(connection)
            else:
                connection.close()

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"127.0.0.1:{listener.getsockname()[1]}"
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        stack.callback(lambda: [each.close() for each in [*held, listener]])
        stack.callback(listener.shutdown, socket.SHUT_RDWR)
        answering = pool.submit(answer)
        with (
            RecognitionClient(url, "m", timeout_s=1, connection=TritonConnection()) as reader,
            pytest.raises(ServiceError, match=rf"^Triton at {url}: cannot ask m: "),
        ):
            reader.read(line_image("abc"))
    answering.result(30)
    assert held


def test_a_server_that_ends_in_the_middle_has_no_problem_with_tls(
    certificates: Certificates,
) -> None:
    """It takes one connection, and no other one: the client tries again, as without TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)

    def take_one(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        listener.close()
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    listener = socket.create_server(("127.0.0.1", 0))
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(take_one, listener)
        url = f"127.0.0.1:{listener.getsockname()[1]}"
        assert tls_problem(url, certificates.client()) == ""
        taken.result(30)
