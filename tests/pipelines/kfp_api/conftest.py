from collections.abc import Iterator

import pytest

from pipelines.compile import compile_pipeline
from pipelines.kfp_api import connection, logs
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.connection import connect
from pipelines.kfp_api.package import Package, read_package
from tests.pipelines.kfp_api.kfp_server import KfpServer


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "COOKIE", "USER", "PASSWORD", "CA", "HOST", "UI"):
        for suffix in ("", "_FILE"):
            monkeypatch.delenv(getattr(connection, name) + suffix, raising=False)
    monkeypatch.delenv(logs.STORE, raising=False)
    monkeypatch.setenv("KUBECONFIG", "/dev/null")


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with KfpServer() as running:
        yield running


@pytest.fixture
def kubeflow(server: KfpServer) -> Kubeflow:
    return Kubeflow(connect(server.url), pause_s=0.01)


@pytest.fixture
def impatient(server: KfpServer) -> Kubeflow:
    """A client that asks once."""
    return Kubeflow(connect(server.url), read_for_s=0.0)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    path = tmp_path_factory.mktemp("package") / "ocr_pipeline.yaml"
    compile_pipeline(path)
    return read_package(path)
