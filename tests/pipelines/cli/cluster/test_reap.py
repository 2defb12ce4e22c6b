"""`ocr reap`: where it looks, against a server that speaks Kubernetes' API."""

from pathlib import Path

import pytest

from pipelines.cli.main import main
from tests.ocr_lib.jobs.api_server import ApiServer
from tests.ocr_lib.jobs.cluster_objects import job


@pytest.mark.parametrize(("options", "namespace"), [([], "here"), (["--namespace", "kf"], "kf")])
def test_it_looks_where_the_runs_are(
    options: list[str],
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ApiServer() as server:
        server.jobs["a"] = {**job("Running"), "spec": {"runPolicy": {"activeDeadlineSeconds": 60}}}
        server.jobs["a"]["metadata"] |= {"name": "a", "creationTimestamp": "2020-01-01T00:00:00Z"}
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "config", "here")))
        assert main(["reap", "--dry-run", *options]) == 0
        assert capsys.readouterr().out.startswith("over: a: ")
        assert server.asked
        assert all(f"/namespaces/{namespace}/" in request for request in server.asked)
