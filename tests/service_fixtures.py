"""Real servers for the tests that need them: one S3 store, one Triton (skipped where absent)."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest

from ocr_lib.serving.repository_store import prepare_repository
from ocr_lib.serving.triton_env import triton_venv
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.conditional_s3 import KINDS, available, conditional_s3


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def store(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    return named_store(s3_server.environment(), monkeypatch)


@pytest.fixture(scope="session")
def conditional_servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Starts an S3 server that honours conditional writes, by its kind; skips where there is none.

    Returns the environment that names it.
    """
    with ExitStack() as stack:

        @cache
        def start(kind: str) -> dict[str, str]:
            if not available(kind):
                pytest.skip(f"no {kind} here")
            return stack.enter_context(conditional_s3(kind, tmp_path_factory.mktemp(kind)))

        yield start


@pytest.fixture(params=KINDS)
def conditional_store(
    request: pytest.FixtureRequest,
    conditional_servers: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Store:
    """A store that honours conditional writes."""
    return named_store(conditional_servers(request.param), monkeypatch)


@pytest.fixture(params=("rclone", *KINDS))
def any_store(
    request: pytest.FixtureRequest,
    s3_server: S3Server,
    conditional_servers: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Store:
    """A store, whether it honours conditional writes or ignores them."""
    kind = request.param
    environment = s3_server.environment() if kind == "rclone" else conditional_servers(kind)
    return named_store(environment, monkeypatch)


def named_store(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Store.from_env()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port without a listener, held so that none appears."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@pytest.fixture(scope="session")
def triton(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    if not triton_venv().is_dir():
        pytest.skip("no Triton here: make setup")
    log = tmp_path_factory.mktemp("triton") / "triton.log"
    repository = model_repository(s3_server)
    with TritonServer(repository, log=log, environment=s3_server.environment()) as server:
        yield server


def model_repository(s3_server: S3Server) -> str:
    """Returns the model repository for Triton in a store, made where it is not there yet."""
    with pytest.MonkeyPatch.context() as patch:
        return prepare_repository(named_store(s3_server.environment(), patch))
