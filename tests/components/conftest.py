"""Real servers for the tests that need them: one S3 store, one Triton (skipped where absent)."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.deploy.golden_images import Golden, golden_images
from components.deploy.published import prepare_repository
from components.deploy.triton_env import triton_venv
from components.deploy.triton_server import TritonServer
from components.shared.s3_server import S3Server
from components.shared.store import Store
from tests.components.deploy.tiny_bundle import line_image, write_bundle

TEXTS = ("abc", "cab", "bé中a", "a", "aabbccéé中中")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def store(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return Store.from_env()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, held so that nobody will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@pytest.fixture(scope="session")
def triton(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    environment = s3_server.environment()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        repository = prepare_repository(Store.from_env())
    log = tmp_path_factory.mktemp("triton") / "triton.log"
    with TritonServer(repository, log=log, environment=environment) as server:
        yield server


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "one")


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network: the same texts with other scores, other tensor names and height."""
    return write_bundle(tmp_path_factory.mktemp("bundles") / "two", sharpness=60.0, scale=2)


@pytest.fixture(scope="session")
def golden(bundle: Path) -> list[Golden]:
    found = golden_images(bundle, {text: line_image(text) for text in TEXTS})
    assert [item.text for item in found] == list(TEXTS)
    return [replace(item, score=None) for item in found]  # the other networks' scores differ
