from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.jobs.kubernetes_api import KubernetesApi, KubernetesError, pod_configuration
from tests.ocr_lib.jobs.api_server import ApiServer

JOB = {"metadata": {"name": "a", "labels": {}}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr("ocr_lib.jobs.kubernetes_api.RETRY_S", 20.0)
    with ApiServer() as server:
        yield server


def test_a_job_is_made_found_and_deleted(server: ApiServer) -> None:
    cluster = server.cluster
    assert cluster.create_job(JOB)
    assert not cluster.create_job(JOB)  # it is there already
    assert cluster.job("a") == JOB
    assert cluster.jobs("x=y") == [JOB]
    cluster.delete_job("a")
    cluster.delete_job("a")
    assert cluster.job("a") is None


def test_a_quota_that_others_change_at_the_same_time_is_no_existing_job(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, conflicts = server.answer, [409, 409]

    def conflicting(method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST" and conflicts:
            message = "Operation cannot be fulfilled on resourcequotas: try again"
            return conflicts.pop(), {"reason": "Conflict", "message": message}
        return answer(method, path, body)

    monkeypatch.setattr(server, "answer", conflicting)
    assert server.cluster.create_job({"metadata": {"name": "a"}})
    assert conflicts == []
    assert not server.cluster.create_job({"metadata": {"name": "a"}})


@pytest.mark.parametrize("failures", [[503, 500], [429], [0, 0], [504, 0, 502]])
def test_a_server_that_is_away_for_a_moment_is_asked_again(
    server: ApiServer, failures: list[int]
) -> None:
    server.jobs["a"] = JOB
    server.failures = failures
    assert server.cluster.job("a") == JOB


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_none_or_empty(server: ApiServer, status: int) -> None:
    server.failures = [status]
    assert server.cluster.job("a") is None
    server.failures = [status]
    assert server.cluster.log("p") == ""


def test_a_server_that_stays_away_is_given_up(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.kubernetes_api.RETRY_S", 0.0)
    server.failures = [503] * 9
    with pytest.raises(KubernetesError, match=r"cannot list pods in namespace ns: .*503"):
        server.cluster.pods("a=b")
    server.failures = [0] * 9
    with pytest.raises(KubernetesError, match="the API server does not answer"):
        server.cluster.pods("a=b")


def test_a_missing_right_is_named_at_once(server: ApiServer) -> None:
    server.failures = [403]
    with pytest.raises(KubernetesError, match=r"cannot read the log of p .*docs/distributed\.md"):
        server.cluster.log("p")


def test_pods_and_logs_are_asked_for_by_selector_and_time(server: ApiServer) -> None:
    server.pods, server.logs = [{"metadata": {"name": "p"}}], {"p": "2026 line\n"}
    assert server.cluster.pods("a=b") == server.pods
    assert server.cluster.log("p", since_s=7) == "2026 line\n"
    assert "'labelSelector': ['a=b']" in server.asked[-2]
    assert "'sinceSeconds': ['7']" in server.asked[-1]


def test_a_container_s_log_is_read_once_and_as_it_is(server: ApiServer) -> None:
    server.logs = {"p": "line\n"}
    assert server.cluster.container_log("p", "main", max_bytes=9) == b"line\n"
    for part in ("'container': ['main']", "'limitBytes': ['9']", "'tailLines': ['5000']"):
        assert part in server.asked[-1]
    assert server.cluster.container_log("q", "main", max_bytes=9) is None
    server.failures = [503]
    with pytest.raises(KubernetesError, match="read the log of p"):
        server.cluster.container_log("p", "main", max_bytes=9)
    assert len(server.asked) == 3


def test_without_a_cluster_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    with pytest.raises(KubernetesError, match="no Kubernetes cluster here"):
        KubernetesApi.connect()


def test_a_cluster_says_whether_it_knows_paddlejobs() -> None:
    with ApiServer() as server:
        assert server.cluster.knows_paddlejobs()
        server.kinds = ["tfjobs"]
        assert not server.cluster.knows_paddlejobs()
        server.kinds = []
        assert not server.cluster.knows_paddlejobs()
        assert server.asked == ["GET /apis/kubeflow.org/v1 {}"] * 3


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns a folder with what a pod has of its account; its launcher's folder is empty."""
    account, launcher = tmp_path / "account", tmp_path / "launcher"
    account.mkdir()
    launcher.mkdir()
    (account / "token").write_text("of-the-run")
    (account / "ca.crt").write_text("authority")
    monkeypatch.setattr("ocr_lib.jobs.kubernetes_api.ACCOUNT_FOLDER", account)
    monkeypatch.setenv("OCR_KUBERNETES_TOKEN_FILE", str(launcher / "token"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


def test_a_pod_asks_with_the_launcher_s_token_where_it_has_one(pod: Path) -> None:
    key = pod_configuration().get_api_key_with_prefix("authorization")
    assert key == "bearer of-the-run"
    (pod / "launcher" / "token").write_text("of-the-launcher")
    configuration = pod_configuration()
    assert configuration.get_api_key_with_prefix("authorization") == "bearer of-the-launcher"
    assert configuration.host == "https://10.0.0.1:443"
    assert configuration.ssl_ca_cert == str(pod / "account" / "ca.crt")
