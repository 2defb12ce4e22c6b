"""A replica that starts, and one that missed something, ends at the version in production."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.deploy.admin import TritonAdmin
from components.deploy.connection import Connection
from components.deploy.golden_images import Golden
from components.deploy.keeper import Keeper
from components.deploy.rollout import deploy
from components.deploy.triton_server import TritonServer
from components.shared.lease import lease
from components.shared.s3_server import S3Server
from components.shared.store import Store
from ocr_lib.errors import ServiceError
from pipelines.cli import main
from tests.components.deploy.replica import Replica
from tests.components.deploy.sockets import listening
from tests.components.deploy.traffic import score


@pytest.fixture
def keeper(triton: TritonServer, store: Store) -> Iterator[Keeper]:
    keeper = Keeper(store, triton.url, ["kept"])
    yield keeper
    keeper.close()


def put(bundle: Path, store: Store, url: str, golden: list[Golden], model: str = "kept") -> int:
    where = {"store": store, "endpoints": [url]}
    return deploy(str(bundle), model, golden, force=True, **where).production.version


def test_a_keeper_follows_production(
    keeper: Keeper,
    triton: TritonServer,
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[Golden],
    capsys: pytest.CaptureFixture[str],
) -> None:
    keeper.sync()
    assert keeper.ready  # nothing is in production: an empty server is as it should be
    put(bundle, store, triton.url, golden)
    one = score(triton.url, "kept")
    with TritonAdmin(triton.url) as admin:
        for name in admin.last_asked("kept"):
            admin.unload(name)
        keeper.sync()
        assert keeper.ready
        assert score(triton.url, "kept") == one

        put(other_bundle, store, triton.url, golden)
        two = score(triton.url, "kept")
        with lease(store, "deploy-kept"):  # somebody deploys: this server is theirs
            store.replace_json(
                "registry/kept/production.json",
                store.get_json("registry/kept/production.json") | {"version": 1},
                store.get_versioned("registry/kept/production.json")[1],
            )
            keeper.sync()
            assert score(triton.url, "kept") == two
            assert keeper.ready
        keeper.sync()
        assert score(triton.url, "kept") == one
    assert "kept: version 1 is in production\n" in capsys.readouterr().out


def test_a_store_that_is_away_takes_nobody_down(
    keeper: Keeper,
    store: Store,
    bundle: Path,
    triton: TritonServer,
    golden: list[Golden],
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(bundle, store, triton.url, golden)
    keeper.sync()
    assert keeper.ready
    monkeypatch.setenv("OCR_S3_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    store.client = Store.from_env(timeout_s=1).client
    keeper.sync()
    assert keeper.ready
    assert "does not answer" in str(keeper.models["kept"])


@pytest.mark.slow
def test_a_replica_that_was_killed_comes_up_with_production(
    triton: TritonServer,
    s3_server: S3Server,
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[Golden],
    tmp_path: Path,
) -> None:
    with Replica(tmp_path, "replicated", s3_server.environment()) as replica:
        assert replica.wait_ready() == {"replicated": "nothing is in production yet"}
        assert listening(replica.pid) == dict.fromkeys(replica.ports, "127.0.0.1")
        put(bundle, store, replica.url, golden, "replicated")
        one = score(replica.url, "replicated")
        replica.kill()
        replica.start()
        shown = replica.wait_ready()
        assert shown == {"replicated": "version 1 is in production"}
        assert score(replica.url, "replicated") == one
        assert replica.health("live")[0] == 200
        assert replica.health("metrics")[0] == 404
        put(other_bundle, store, replica.url, golden, "replicated")
        assert score(replica.url, "replicated") != one


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_replica_for_other_machines_needs_a_key(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before anything is asked of a store, let alone started."""
    monkeypatch.delenv("OCR_TRITON_ADMIN_KEY", raising=False)
    monkeypatch.setenv("OCR_S3_ENDPOINT", "http://127.0.0.1:1")
    assert main(["serve", "--address", address]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"ocr serve: address {address}: there is no management key, ")
    assert "Make a key with `openssl rand -hex 24`, and set OCR_TRITON_ADMIN_KEY to it" in said


@pytest.mark.slow
def test_a_replica_with_a_key_serves_other_machines(
    triton: TritonServer, s3_server: S3Server, tmp_path: Path
) -> None:
    environment = s3_server.environment() | {"OCR_TRITON_ADMIN_KEY": "0123456789abcdef"}
    with Replica(tmp_path, "open", environment, "--address", "0.0.0.0") as replica:
        replica.wait_ready()
        assert listening(replica.pid).keys() == replica.ports
        assert set(listening(replica.pid).values()) <= {"0.0.0.0", "::"}  # gRPC takes both
        with (
            TritonAdmin(replica.url, connection=Connection()) as stranger,
            pytest.raises(ServiceError, match="management key"),
        ):
            stranger.unload("open")


def test_a_keeper_alone_has_a_health_port_for_probes(
    triton: TritonServer, s3_server: S3Server, tmp_path: Path
) -> None:
    """As in a pod, where Triton has a container of its own."""
    options = ("--url", triton.url, "--address", "0.0.0.0")
    with Replica(tmp_path, "kept", s3_server.environment(), *options) as keeper:
        keeper.wait_ready()
        assert [*listening(keeper.pid).values()] == ["0.0.0.0"]


def test_a_health_port_in_use_is_named(triton: TritonServer, s3_server: S3Server) -> None:
    port = triton.url.rpartition(":")[2]
    serve = [sys.executable, "-m", "pipelines.cli", "serve", "--health-port", port]
    done = subprocess.run(
        [*serve, "--url", triton.url],
        env={**os.environ, **s3_server.environment()},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert f"ocr serve: --health-port {port}: cannot listen on 127.0.0.1: " in done.stderr
