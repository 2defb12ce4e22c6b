"""A real S3 server for the tests that need a store."""

from collections.abc import Iterator

import pytest

from components.shared.s3_server import S3Server
from components.shared.store import Store


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def store(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return Store.from_env(timeout_s=10)
