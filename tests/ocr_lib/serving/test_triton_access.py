"""TLS, mutual TLS and the management key, with real certificates and a real server."""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import read_production
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.client_tls import Tls
from ocr_lib.serving.connection import TritonConnection
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_access import ServerTls
from ocr_lib.serving.triton_env import triton_venv
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.certificates import KEY, SERVER_NAME, Certificates
from tests.ocr_lib.serving.sockets import family, listening
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.service_fixtures import model_repository


@pytest.fixture(scope="module")
def guarded(
    s3_server: S3Server, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TritonServer]:
    """A server that wants certificates of its clients, and a key of those who manage it."""
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    with TritonServer(
        model_repository(s3_server),
        log=tmp_path_factory.mktemp("guarded") / "triton.log",
        environment=s3_server.environment(),
        tls=ServerTls(certificates.cert, certificates.key, certificates.ca),
        admin_key=KEY,
    ) as server:
        yield server


@pytest.mark.slow
def test_deployers_with_key_and_certificate_deploy_and_clients_read(
    triton: TritonServer,
    guarded: TritonServer,
    certificates: Certificates,
    store: Store,
    bundle: Path,
    golden: list[GoldenImage],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    where = {"store": store, "endpoints": [guarded.url]}
    with pytest.raises(ServiceError, match="guarded"):  # neither certificate nor key
        deploy(str(bundle), "guarded", golden, **where)
    monkeypatch.setenv("OCR_TRITON_TLS_CA", str(certificates.ca))
    monkeypatch.setenv("OCR_TRITON_TLS_CERT", str(certificates.client_cert))
    monkeypatch.setenv("OCR_TRITON_TLS_KEY", str(certificates.client_key))
    monkeypatch.setenv("OCR_TRITON_TLS_NAME", SERVER_NAME)
    with pytest.raises(
        ServiceError, match=r"it wants the management key\. Set OCR_TRITON_ADMIN_KEY"
    ):
        deploy(str(bundle), "guarded", golden, **where)
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n")
    monkeypatch.setenv("OCR_TRITON_ADMIN_KEY_FILE", str(secret))
    deploy(str(bundle), "guarded", golden, **where)
    assert read_production(store, "guarded") is not None

    reader = TritonConnection(certificates.client())  # reading needs no key
    with RecognitionClient(guarded.url, "guarded", connection=reader) as recognizer:
        assert recognizer.read(line_image("abc")).text == "abc"
    with (
        TritonAdmin(guarded.url, connection=reader) as admin,
        pytest.raises(ServiceError, match="management key"),
    ):
        admin.unload("guarded")


@pytest.mark.slow
def test_strangers_are_refused(
    guarded: TritonServer, certificates: Certificates, tmp_path: Path
) -> None:
    stranger = Certificates(tmp_path / "stranger")
    ours, theirs = certificates, stranger
    refused = {
        "it wants TLS. Set OCR_TRITON_TLS_CA": None,
        "takes clients with a certificate only. Set OCR_TRITON_TLS_CERT": ours.client(
            with_certificate=False
        ),
        "does not trust the certificate": Tls(
            ours.ca, theirs.client_cert, theirs.client_key, SERVER_NAME
        ),
        "its certificate is of no authority in OCR_TRITON_TLS_CA": theirs.client(),
        "its certificate is not for other.example. Set OCR_TRITON_TLS_NAME": Tls(
            ours.ca, ours.client_cert, ours.client_key, "other.example"
        ),
    }
    for message, tls in refused.items():
        connection = TritonConnection(tls)
        with (
            RecognitionClient(
                guarded.url, "guarded", timeout_s=3600, connection=connection
            ) as recognizer,
            pytest.raises(ServiceError, match=f"^Triton at {guarded.url}: .*{re.escape(message)}"),
        ):
            recognizer.read(line_image("abc"))


@pytest.mark.slow
def test_http_is_guarded_too(guarded: TritonServer) -> None:
    """It listens on this machine alone, and does not manage without the key."""
    request = urllib.request.Request(
        f"{guarded.http_url}/v2/repository/models/guarded/unload", data=b"{}", method="POST"
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=5)
    with urllib.request.urlopen(f"{guarded.http_url}/v2/health/ready", timeout=5) as response:
        assert response.status == 200


SOURCE = """
from pathlib import Path
Path({marker!r}).touch()
class TritonPythonModel:
    def execute(self, requests):
        return []
"""


CONFIG = {
    "backend": "python",
    "input": [{"name": "I", "data_type": "TYPE_FP32", "dims": [1]}],
    "output": [{"name": "O", "data_type": "TYPE_FP32", "dims": [1]}],
}


@pytest.fixture
def models(tmp_path: Path) -> str:
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    (tmp_path / "models").mkdir()
    return str(tmp_path / "models")


@pytest.mark.slow
def test_without_the_key_no_clients_code_runs(models: str, tmp_path: Path) -> None:
    """Over gRPC and HTTP; with the key it does run, so what is refused is this very request."""
    marker = tmp_path / "ran"
    source = SOURCE.format(marker=str(marker)).encode()
    with TritonServer(models, log=tmp_path / "log", address="0.0.0.0", admin_key=KEY) as server:

        def load_by_grpc(headers: dict[str, str] | None) -> None:
            with grpc.InferenceServerClient(server.url) as client:
                files = {"file:1/model.py": source}
                client.load_model("by_grpc", headers, json.dumps(CONFIG), files)

        def load_by_http(headers: dict[str, str]) -> None:
            parameters = {
                "config": json.dumps(CONFIG),
                "file:1/model.py": base64.b64encode(source).decode(),
            }
            url = f"{server.http_url}/v2/repository/models/by_http/load"
            body = json.dumps({"parameters": parameters}).encode()
            request = urllib.request.Request(url, body, headers, method="POST")
            urllib.request.urlopen(request, timeout=60).close()

        for headers in (None, {"triton-grpc-protocol-ocr-admin": KEY[::-1]}):
            with pytest.raises(InferenceServerException, match="This protocol is restricted"):
                load_by_grpc(headers)
        for headers in ({}, {"ocr-admin": KEY[::-1]}):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                load_by_http(headers)
        assert not marker.exists()

        load_by_grpc({"triton-grpc-protocol-ocr-admin": KEY})
        marker.unlink()
        load_by_http({"ocr-admin": KEY})
        assert marker.exists()
        assert server.pid is not None
        shown = [Path(f"/proc/{pid}/cmdline").read_text() for pid in family(server.pid)]
        assert any("ocr-admin={OCR_TRITON_ADMIN_KEY}" in command for command in shown)
        assert not any(KEY in command for command in shown)


@pytest.mark.slow
@pytest.mark.parametrize(("address", "shown"), [("localhost", "127.0.0.1"), ("::1", "::1")])
def test_without_a_key_a_server_listens_on_this_machine_alone(
    models: str, tmp_path: Path, address: str, shown: str
) -> None:
    with TritonServer(models, log=tmp_path / "log", address=address) as server:
        assert server.pid is not None
        ports = {int(url.split("/metrics")[0].rpartition(":")[2]) for url in urls(server)}
        assert listening(server.pid) == dict.fromkeys(ports, shown)
        with urllib.request.urlopen(server.metrics_url, timeout=5) as response:
            assert response.status == 200
        with TritonAdmin(server.url) as admin:
            assert not admin.last_inference_s("none")


def urls(server: TritonServer) -> tuple[str, str, str]:
    return server.url, server.http_url, server.metrics_url


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"])
def test_other_machines_need_a_key(address: str) -> None:
    message = (
        rf"^address {address}: there is no management key, .*`openssl rand -hex 24`, and set "
        r"OCR_TRITON_ADMIN_KEY .*or listen on 127\.0\.0\.1\.$"
    )
    with pytest.raises(ConfigError, match=message):
        TritonServer("models", log=None, address=address)
    TritonServer("models", log=None, address=address, admin_key=KEY)
    with pytest.raises(ConfigError, match="OCR_TRITON_ADMIN_KEY: not 16 or more"):
        TritonServer("models", log=None, address=address, admin_key="short")


@pytest.mark.parametrize("address", ["", "example.com", "127.0.0.1:8001", "127.1"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match=f"^--address: '{address}' is not an IP address"):
        TritonServer("models", log=None, address=address, admin_key=KEY)


def test_an_address_of_another_machine_is_named(models: str) -> None:
    server = TritonServer(models, log=None, address="192.0.2.1", admin_key=KEY)
    with pytest.raises(ServiceError, match=r"grpc cannot listen on 192\.0\.2\.1"), server:
        pass


def test_a_server_needs_certificate_and_key(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ServerTls.from_env() is None
    monkeypatch.setenv("OCR_TRITON_SERVER_CERT", str(certificates.cert))
    with pytest.raises(ConfigError, match="OCR_TRITON_SERVER_KEY: is not set"):
        ServerTls.from_env()
    monkeypatch.setenv("OCR_TRITON_SERVER_KEY", "/none.pem")
    with pytest.raises(ConfigError, match=r"no file /none\.pem"):
        ServerTls.from_env()
    monkeypatch.setenv("OCR_TRITON_SERVER_KEY", str(certificates.client_key))
    with pytest.raises(ConfigError, match=r"^OCR_TRITON_SERVER_CERT: .* a certificate and its key"):
        ServerTls.from_env()
    monkeypatch.setenv("OCR_TRITON_SERVER_KEY", str(certificates.key))
    monkeypatch.setenv("OCR_TRITON_CLIENT_CA", str(certificates.key))
    with pytest.raises(
        ConfigError, match=r"^OCR_TRITON_CLIENT_CA: .* holds no certificates\. Name"
    ):
        ServerTls.from_env()
    monkeypatch.delenv("OCR_TRITON_CLIENT_CA")
    tls = ServerTls.from_env()
    assert tls is not None
    assert tls.arguments()[0] == "--grpc-use-ssl=true"
