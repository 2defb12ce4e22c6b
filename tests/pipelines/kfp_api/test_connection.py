from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from pipelines.kfp_api import runs
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.connection import connect
from tests.pipelines.kfp_api.kfp_server import KfpServer


def test_a_token_file_is_read_again_for_every_request(
    server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    monkeypatch.setenv("OCR_KFP_TOKEN_FILE", str(path))
    kubeflow = Kubeflow(connect(server.url))
    for server.token in ("first", "second"):
        path.write_text(f"{server.token}\n")
        assert runs.latest(kubeflow, 1) == []


def test_the_projected_token_of_a_pod_is_used_in_the_cluster(
    server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of the pod")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    found = connect("")
    assert found.host == "http://ml-pipeline.kubeflow.svc:8888"
    assert found.ui == ""  # that port has no pages
    assert found.token
    assert found.token() == "of the pod"


def test_no_address_outside_a_cluster_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match=r"--host: is not given\. Give the URL"):
        connect("")


@pytest.mark.parametrize("host", ["kubeflow.example.org", "ftp://x", "https://", "https://x?y=1"])
def test_an_address_must_be_a_url(host: str) -> None:
    with pytest.raises(ConfigError, match="is not a URL"):
        connect(host)


def test_secrets_do_not_travel_in_clear_text_nor_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_KFP_TOKEN", "canary")
    with pytest.raises(ConfigError, match="in clear text"):
        connect("http://kubeflow.example.org")
    assert "canary" not in repr(connect("https://kubeflow.example.org"))
    with pytest.raises(ConfigError, match="has a password in it"):
        connect("https://me:canary@kubeflow.example.org")


def test_a_wrong_token_shows_in_no_message(
    server: KfpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.token = "right"
    monkeypatch.setenv("OCR_KFP_TOKEN", "canary")
    with pytest.raises(ConfigError) as error:
        runs.latest(Kubeflow(connect(server.url)), 1)
    assert "canary" not in str(error.value)


def test_a_session_cookie_is_sent(server: KfpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.cookie = "oauth2_proxy_kubeflow=abc"
    monkeypatch.setenv("OCR_KFP_COOKIE", server.cookie)
    assert runs.latest(Kubeflow(connect(server.url)), 1) == []
