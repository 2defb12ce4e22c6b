"""A replica that starts, and one that missed something, ends at the version in production."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.deploy.admin import TritonAdmin
from components.deploy.golden_images import Golden
from components.deploy.keeper import Keeper
from components.deploy.rollout import deploy
from components.deploy.triton_server import TritonServer
from components.shared.lease import lease
from components.shared.s3_server import S3Server
from components.shared.store import Store
from tests.components.deploy.replica import Replica
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
