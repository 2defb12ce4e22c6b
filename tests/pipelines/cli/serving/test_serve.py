"""A replica that starts, and one that missed something, ends at the version in production."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.connection import TritonConnection
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.repository_store import REPOSITORY
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import store_lease
from pipelines.cli.main import main
from tests.ocr_lib.serving.certificates import SERVER_NAME, Certificates
from tests.ocr_lib.serving.replica import Replica
from tests.ocr_lib.serving.sockets import listening
from tests.ocr_lib.serving.traffic import score


@pytest.fixture
def reconciler(triton: TritonServer, store: Store) -> Iterator[Reconciler]:
    reconciler = Reconciler(store, triton.url, ["kept"])
    yield reconciler
    reconciler.close()


def put(
    bundle: Path, store: Store, url: str, golden: list[GoldenImage], model: str = "kept"
) -> int:
    where = {"store": store, "endpoints": [url]}
    return deploy(str(bundle), model, golden, force="a test", **where).production.version


def test_a_reconciler_follows_production(
    reconciler: Reconciler,
    triton: TritonServer,
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[GoldenImage],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    reconciler.sync()
    assert reconciler.ready  # nothing is in production: an empty server is as it should be
    put(bundle, store, triton.url, golden)
    one = score(triton.url, "kept")
    with TritonAdmin(triton.url) as admin:
        for name in admin.last_inference_s("kept"):
            admin.unload(name)
        reconciler.sync()
        assert reconciler.ready
        assert score(triton.url, "kept") == one

        put(other_bundle, store, triton.url, golden)
        two = score(triton.url, "kept")
        with store_lease(store, "deploy-kept"):  # a deployment is in progress
            store.replace_json(
                "registry/kept/production.json",
                store.get_json("registry/kept/production.json")
                | {"version": 1, "digest": Bundle.open(bundle).digest},
                store.get_versioned("registry/kept/production.json")[1],
            )
            reconciler.sync()
            assert score(triton.url, "kept") == two
            assert reconciler.ready
        reconciler.sync()
        assert score(triton.url, "kept") == one
    assert "kept: version 1 is in production" in caplog.messages


def test_a_store_that_is_away_takes_nobody_down(
    reconciler: Reconciler,
    store: Store,
    bundle: Path,
    triton: TritonServer,
    golden: list[GoldenImage],
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(bundle, store, triton.url, golden)
    reconciler.sync()
    assert reconciler.ready
    monkeypatch.setenv("OCR_S3_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    store.client = Store.from_env(timeout_s=1).client
    reconciler.sync()
    assert reconciler.ready
    assert "does not answer" in str(reconciler.models["kept"])


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, S3Server]]:
    """A store of its own: what is in production there is what a reconciler finds."""
    with S3Server(tmp_path / "registry") as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("OCR_MODELS", raising=False)
        yield Store.from_env(), server


def test_a_reconciler_without_names_serves_every_model_in_production(
    registry: tuple[Store, S3Server],
    triton: TritonServer,
    bundle: Path,
    other_bundle: Path,
    golden: list[GoldenImage],
) -> None:
    store, _ = registry
    store.put_json("registry/unserved/bundles/1/bundle.json", {})
    store.put_json("registry/no_core/production.json", {})  # no name of a model
    reconciler = Reconciler(store, triton.url)
    with TritonAdmin(triton.url) as admin, closing(reconciler):
        assert not reconciler.ready  # it has not looked yet
        reconciler.sync()
        assert reconciler.ready
        assert reconciler.status() == {"all models": "nothing is in production yet"}
        put(bundle, store, triton.url, golden, "every-one")
        put(other_bundle, store, triton.url, golden, "every-two")
        scores = [score(triton.url, name) for name in ("every-one", "every-two")]
        for name in admin.last_inference_s("every-"):
            admin.unload(name)

        reconciler.sync()
        assert reconciler.ready
        assert reconciler.status() == {
            "every-one": "version 1 is in production",
            "every-two": "version 1 is in production",
        }
        assert [score(triton.url, name) for name in reconciler.models] == scores

        put(other_bundle, store, triton.url, golden, "every-late")
        admin.unload("every-late")
        reconciler.sync()
        assert [*reconciler.models] == ["every-late", "every-one", "every-two"]
        assert score(triton.url, "every-late") == scores[1]


def test_a_reconciler_is_ready_when_no_model_is_missing(
    registry: tuple[Store, S3Server],
    triton: TritonServer,
    bundle: Path,
    golden: list[GoldenImage],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The second model cannot be loaded, then it can; then it has a version that cannot."""
    store, _ = registry
    for name in ("whole", "holed"):
        put(bundle, store, triton.url, golden, name)
    with TritonAdmin(triton.url) as admin, closing(Reconciler(store, triton.url)) as reconciler:
        admin.unload("holed")
        path = "triton/holed/1/dictionary.txt"
        content, _ = store.client.get(store.bucket, path, 1 << 20)
        store.put_bytes(path, content[:-1] + b"x")
        reconciler.sync()
        assert not reconciler.ready
        assert reconciler.status()["whole"] == "version 1 is in production"
        assert "damaged" in reconciler.status()["holed"]

        store.put_bytes(path, content)
        reconciler.sync()
        assert reconciler.ready

        pointer = store.get_json("registry/holed/production.json")
        store.put_json("registry/holed/production.json", pointer | {"version": 2})
        reconciler.sync()
        assert not reconciler.ready  # version 1 answers: it is not what production says
        assert "triton/holed/2" in reconciler.status()["holed"]
        store.put_json("registry/holed/production.json", pointer)
        reconciler.sync()
        assert reconciler.ready

        store.put_json("registry/holed/golden/1/golden.json", [{}])
        store.put_json("registry/whole/production.json", {"model": "whole"})
        reconciler.sync()
        assert "malformed" in reconciler.status()["whole"]
        assert reconciler.status()["holed"] == "version 1 is in production"  # the other one's turn
    assert "holed: s3://ocr/triton/holed/1/dictionary.txt" in caplog.text


def test_more_models_than_a_server_can_have_are_named(
    registry: tuple[Store, S3Server], triton: TritonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = registry
    for number in range(3):
        store.put_json(f"registry/m{number}/production.json", {})
    monkeypatch.setattr("ocr_lib.registry.production.MAX_MODELS", 2)
    with closing(Reconciler(store, triton.url)) as reconciler:
        reconciler.sync()
        assert not reconciler.ready
        assert "registry/ at" in reconciler.status()["all models"]
        assert "more than 2 entries" in reconciler.status()["all models"]


@pytest.mark.slow
def test_a_pod_is_ready_with_every_model_that_the_others_serve(
    registry: tuple[Store, S3Server],
    triton: TritonServer,
    bundle: Path,
    other_bundle: Path,
    golden: list[GoldenImage],
    tmp_path: Path,
) -> None:
    """A Triton that knows nothing, and `ocr serve --url` next to it, as in a pod."""
    store, server = registry
    names = ("pod-receipts", "pod-plates")
    for name, content in zip(names, (bundle, other_bundle), strict=True):
        put(content, store, triton.url, golden, name)
    scores = [score(triton.url, name) for name in names]
    environment = server.environment()
    address = f"s3://{server.endpoint}/ocr/{REPOSITORY}"
    with TritonServer(address, log=tmp_path / "log", environment=environment) as pod:
        url = ("--url", pod.url)
        narrow = environment | {"OCR_MODELS": " pod-plates ,"}
        with Replica(tmp_path / "one", None, narrow, *url) as reconciler:
            assert reconciler.wait_ready() == {"pod-plates": "version 1 is in production"}
            with pytest.raises(ServiceError, match="pod-receipts"):
                score(pod.url, "pod-receipts")
        with Replica(tmp_path / "all", None, environment, *url) as reconciler:
            assert reconciler.wait_ready() == dict.fromkeys(names, "version 1 is in production")
            assert [score(pod.url, name) for name in names] == scores


@pytest.mark.slow
def test_a_replica_that_was_killed_comes_up_with_production(
    triton: TritonServer,
    s3_server: S3Server,
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[GoldenImage],
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
            TritonAdmin(replica.url, connection=TritonConnection()) as stranger,
            pytest.raises(ServiceError, match="management key"),
        ):
            stranger.unload("open")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture
def over_tls(s3_server: S3Server, certificates: Certificates) -> dict[str, str]:
    """The environment of a replica that takes clients with a certificate only."""
    return s3_server.environment() | {
        "OCR_TRITON_SERVER_CERT": str(certificates.cert),
        "OCR_TRITON_SERVER_KEY": str(certificates.key),
        "OCR_TRITON_CLIENT_CA": str(certificates.ca),
        "OCR_TRITON_TLS_CA": str(certificates.ca),
        "OCR_TRITON_TLS_NAME": SERVER_NAME,
        "OCR_TRITON_TLS_CERT": str(certificates.client_cert),
        "OCR_TRITON_TLS_KEY": str(certificates.client_key),
    }


@pytest.mark.slow
def test_a_replica_over_tls_is_a_client_of_its_own_triton(
    triton: TritonServer,
    store: Store,
    over_tls: dict[str, str],
    bundle: Path,
    golden: list[GoldenImage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(bundle, store, triton.url, golden, "encrypted")
    with Replica(tmp_path, "encrypted", over_tls) as replica:
        assert replica.wait_ready() == {"encrypted": "version 1 is in production"}
        with pytest.raises(ServiceError, match=r"it wants TLS\. Set OCR_TRITON_TLS_CA to "):
            score(replica.url, "encrypted")
        for name, value in over_tls.items():
            monkeypatch.setenv(name, value)
        assert score(replica.url, "encrypted") > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unset", "said"),
    [
        (
            "OCR_TRITON_TLS_NAME",
            "its certificate is not for 127.0.0.1. Set OCR_TRITON_TLS_NAME to ",
        ),
        (
            "OCR_TRITON_TLS_CERT OCR_TRITON_TLS_KEY",
            "a certificate only. Set OCR_TRITON_TLS_CERT an",
        ),
        (
            "OCR_TRITON_TLS_CA OCR_TRITON_TLS_CERT OCR_TRITON_TLS_KEY",
            "it wants TLS. Set OCR_TRITON_TLS_CA to the PEM file of its authority.",
        ),
    ],
)
def test_a_replica_that_cannot_reach_its_own_triton_says_so_and_ends(
    triton: TritonServer, over_tls: dict[str, str], unset: str, said: str
) -> None:
    ports = [f"--{name}-port=0" for name in ("grpc", "http", "metrics", "health")]
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", "serve", *ports],
        env={**os.environ, **over_tls, **dict.fromkeys(unset.split(), "")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ocr serve: this process is a client of its Triton at 127.0.0.1:")
    assert said in last


def test_a_reconciler_alone_has_a_health_port_for_probes(
    triton: TritonServer, s3_server: S3Server, tmp_path: Path
) -> None:
    """As in a pod, where Triton has a container of its own."""
    options = ("--url", triton.url, "--address", "0.0.0.0")
    with Replica(tmp_path, "kept", s3_server.environment(), *options) as reconciler:
        reconciler.wait_ready()
        assert [*listening(reconciler.pid).values()] == ["0.0.0.0"]


def test_a_health_port_in_use_is_named(triton: TritonServer, s3_server: S3Server) -> None:
    port = triton.url.rpartition(":")[2]
    serve = [sys.executable, "-m", "pipelines.cli.main", "serve", "--health-port", port]
    done = subprocess.run(
        [*serve, "--url", triton.url],
        env={**os.environ, **s3_server.environment()},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert f"ocr serve: --health-port {port}: cannot listen on 127.0.0.1: " in done.stderr
