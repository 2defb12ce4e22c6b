import ssl
from pathlib import Path

import pytest
import trustme

from ocr_lib.errors import ConfigError, ServiceError
from pipelines.kfp_api import api, runs
from pipelines.kfp_api.api import Kubeflow, NotFoundError
from pipelines.kfp_api.connection import connect
from tests.pipelines.kfp_api.kfp_server import Fault, KfpServer


def test_what_only_reads_is_repeated_while_the_server_is_away(
    server: KfpServer, kubeflow: Kubeflow
) -> None:
    server.faults = [Fault("GET /runs", status) for status in (503, 502, 429, 0)]
    assert runs.latest(kubeflow, 5) == []
    assert len(server.calls("GET /runs")) == 5


def test_reading_gives_up_in_the_end(server: KfpServer) -> None:
    kubeflow = Kubeflow(connect(server.url), read_for_s=0.1, pause_s=0.01)
    server.faults = [Fault("GET /runs", 503, times=100)]
    with pytest.raises(ServiceError, match=r"simulated \(503\)"):
        runs.latest(kubeflow, 5)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault("GET", 401), ConfigError, "not let in .401: simulated.*Give a token"),
        (Fault("GET", 403), ConfigError, "not let in .403"),
        (Fault("GET", 302, body=b""), ConfigError, "not let in .302"),
        (Fault("GET", 404), NotFoundError, "no run abc"),
        (Fault("GET", 400), ServiceError, "simulated .400"),
    ],
)
def test_what_the_server_refuses_is_not_asked_again(
    server: KfpServer, kubeflow: Kubeflow, fault: Fault, kind: type[Exception], words: str
) -> None:
    server.faults = [fault]
    with pytest.raises(kind, match=words):
        runs.get(kubeflow, "abc")
    assert len(server.requests) == 1


def test_a_page_instead_of_an_answer_is_named(server: KfpServer, impatient: Kubeflow) -> None:
    server.faults = [Fault("GET", 200, body=b"<html>Sign in</html>")]
    with pytest.raises(ServiceError, match="no answer of Kubeflow Pipelines"):
        runs.get(impatient, "abc")


def test_a_slow_server_is_not_waited_for_for_ever(
    server: KfpServer, impatient: Kubeflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "TIMEOUT_S", (30.0, 0.1))
    server.faults = [Fault("GET", 404, delay_s=0.3)]
    with pytest.raises(ServiceError, match="does not answer in time"):
        runs.get(impatient, "abc")


def test_a_server_that_is_not_there_is_named() -> None:
    kubeflow = Kubeflow(connect("http://127.0.0.1:9"), read_for_s=0.0)
    with pytest.raises(ServiceError, match=r"http://127.0.0.1:9: it cannot be reached\."):
        runs.get(kubeflow, "abc")


def test_lists_are_read_to_their_last_page(server: KfpServer, kubeflow: Kubeflow) -> None:
    ids = [kubeflow.experiment(f"experiment {number}") for number in range(5)]
    assert [kubeflow.experiment(f"experiment {number}") for number in range(5)] == ids
    found = kubeflow.pages(kubeflow.experiments.experiment_service_list_experiments, "experiments")
    assert [item.experiment_id for item in found] == ids


@pytest.fixture
def https(server: KfpServer, tmp_path: Path) -> tuple[str, Path]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    plain = server._server.socket
    server._server.socket = context.wrap_socket(plain, server_side=True)
    return server.url.replace("http://127.0.0.1", "https://localhost"), path


def test_tls_needs_a_certificate_that_is_trusted(
    server: KfpServer, https: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ca_file = https
    for variable in ("OCR_CA_FILE", "OCR_KFP_CA_FILE"):
        monkeypatch.setenv(variable, str(ca_file))
        assert runs.latest(Kubeflow(connect(url)), 1) == []
        monkeypatch.delenv(variable)
    with pytest.raises(ServiceError, match=r"certificate.*name that in OCR_CA_FILE"):
        runs.latest(Kubeflow(connect(url), read_for_s=0.0), 1)


def test_what_the_client_has_no_method_for_is_asked_with_the_same_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCR_KFP_TOKEN", "right")
    with KfpServer(token="right") as server:
        run_id = server.replay("running")
        found = Kubeflow(connect(server.url)).workflow(run_id)
        assert found is not None
        assert found.name == "ocr-train-and-deploy-252fk"
    monkeypatch.delenv("OCR_KFP_TOKEN")
    monkeypatch.setenv("OCR_KFP_COOKIE", "session=yes")
    with KfpServer(cookie="session=yes") as server:
        run_id = server.replay("running")
        assert Kubeflow(connect(server.url)).workflow(run_id) is not None


def test_of_a_long_answer_the_end_is_kept(server: KfpServer, kubeflow: Kubeflow) -> None:
    server.state.logs["pod"] = b"a" * 200_000 + b"the end"
    path = "/apis/v1alpha1/runs/r/nodes/pod/log"
    assert kubeflow.fetch(path, limit=7) == b"the end"
    assert len(kubeflow.fetch(path, limit=1 << 20)) == 200_007


def test_an_answer_that_does_not_end_is_given_up(
    server: KfpServer, kubeflow: Kubeflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "FETCH_S", -1.0)
    server.state.logs["pod"] = b"more and more"
    with pytest.raises(ServiceError, match="does not answer in time"):
        kubeflow.fetch("/apis/v1alpha1/runs/r/nodes/pod/log", limit=7)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault("GET", 401), ConfigError, "not let in .401: simulated"),
        (Fault("GET", 404, body=b'{"error_message":"no such log"}'), NotFoundError, "no such log"),
        (Fault("GET", 500), ServiceError, "simulated .500"),
        (Fault("GET", 0), ServiceError, "the connection broke off"),
    ],
)
def test_a_fetch_that_fails_says_why(
    server: KfpServer, kubeflow: Kubeflow, fault: Fault, kind: type[Exception], words: str
) -> None:
    server.faults = [fault]
    with pytest.raises(kind, match=words):
        kubeflow.fetch("/apis/v1alpha1/runs/r/nodes/pod/log", limit=7)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"pipeline_runtime": 1}'])
def test_an_answer_without_a_workflow_is_none(
    server: KfpServer, kubeflow: Kubeflow, body: bytes
) -> None:
    server.faults = [Fault("GET /apis/v1beta1", 200, body=body)]
    assert kubeflow.workflow("r") is None
