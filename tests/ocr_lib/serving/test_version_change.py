"""A change of version that fails leaves what served before."""

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import pytest

from ocr_lib.data.image import decode_image
from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import Bundle, BundleError
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.lineage import take_back
from ocr_lib.registry.pointer import PointerLease, deploying, pointer_lease
from ocr_lib.registry.production import (
    claim_production,
    list_versions,
    mark_pruned,
    record_version,
)
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.reconciler import Reconciler
from ocr_lib.serving.repository_store import upload_version
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.serving.version_change import DeployError, VersionChange
from ocr_lib.storage import store_lease
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.fault_proxy import Rule, faulty_store, held, reset
from tests.ocr_lib.serving.site import WRONG, Site
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle
from tests.ocr_lib.serving.traffic import score, traffic


def test_a_first_version_that_fails_leaves_nothing(site: Site, bundle: Path) -> None:
    with pytest.raises(DeployError, match="Nothing serves yet"):
        site.deploy(bundle, "stillborn", WRONG)
    assert site.production("stillborn") is None
    assert site.loaded("stillborn") == []
    assert site.objects("stillborn") == []
    assert site.deploy(bundle, "stillborn").production.version == 1
    assert site.store.exists("triton/stillborn/config.pbtxt")


def test_a_server_that_is_not_there_leaves_nothing(site: Site, bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        down = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(DeployError, match=f"^unborn is not deployed.*{down}.*does not answer"):
        Site(site.store, down, site.golden).deploy(bundle, "unborn")
    assert site.objects("unborn") == []


def test_a_pruned_version_that_fails_is_pruned_again(site: Site, bundle: Path) -> None:
    record = record_version(site.store, "gone", str(bundle), Bundle.open(bundle).digest, {})
    mark_pruned(site.store, "gone", record)
    with pytest.raises(DeployError, match="Nothing serves yet"):
        site.deploy(bundle, "gone", WRONG)
    (found,) = list_versions(site.store, "gone")
    assert found.pruned
    assert site.objects("gone") == ["registry/gone/versions/1.json"]


@pytest.fixture(scope="module")
def steady(
    triton: TritonServer, s3_server: S3Server, golden: list[GoldenImage], bundle: Path
) -> float:
    """Version 1 of the model `steady` serves; its score."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        Site(Store.from_env(), triton.url, golden).deploy(bundle, "steady")
    return score(triton.url, "steady")


class TestWhenSomethingFails:
    """Version 1 of `steady` serves, and goes on serving."""

    @pytest.fixture(autouse=True)
    def version_1_serves_on(self, steady: float, site: Site) -> Iterator[None]:
        yield
        production = site.production("steady")
        assert production is not None
        assert production.version == 1
        assert score(site.url, "steady") == steady
        assert set(site.loaded("steady")) <= set(site.networks("steady", 1, 2))
        assert (
            b"versions: 1\n" in site.store.client.get("ocr", "triton/steady/config.pbtxt", 9999)[0]
        )

    @pytest.mark.slow
    def test_a_pointer_that_cannot_be_written(
        self, site: Site, steady: float, other_bundle: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The new version passed everything and is taken back all the same."""
        monkeypatch.setattr("ocr_lib.storage.s3.UNANSWERED_FOR_S", 0.0)
        monkeypatch.setattr("ocr_lib.registry.pointer.SETTLE_S", 0.0)
        refused = Rule(reset(), "PUT", "registry/steady/production.json", skip=1)
        with (
            faulty_store(site.store, refused) as store,
            traffic(site.url, "steady") as seen,
            pytest.raises(DeployError, match=r"does not answer.*Version 1 serves on"),
        ):
            Site(store, site.url, site.golden).deploy(other_bundle, "steady")
        assert seen.failures == []
        assert len(seen.scores) == 2

    def test_one_of_two_servers_is_down(self, site: Site, other_bundle: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            down = f"127.0.0.1:{server.getsockname()[1]}"
        before = list_versions(site.store, "steady")
        with pytest.raises(DeployError, match=f"{down}.*does not answer.*Version 1 serves on"):
            deploy(
                str(other_bundle),
                "steady",
                site.golden,
                store=site.store,
                endpoints=[site.url, down],
                force="a test",
            )
        assert list_versions(site.store, "steady") == before

    def test_a_damaged_object(self, site: Site, third_bundle: Path) -> None:
        digest = Bundle.open(third_bundle).digest
        record = record_version(site.store, "steady", str(third_bundle), digest, {})
        version = build_model_version(third_bundle, "steady", record.version)
        upload_version(
            site.store, version, site.golden
        )  # as a deployment that was killed leaves it
        key = f"triton/steady_core/{record.version}/model.onnx"
        site.store.client.put("ocr", key, site.content(key)[:-1] + b"\0")
        with pytest.raises(DigestError, match=r"model\.onnx.*damaged"):
            rollback("steady", store=site.store, endpoints=[site.url], version=record.version)
        with deploying(site.store, "steady") as lease:
            take_back(site.store, "steady", record, None, lease.check)

    def test_a_damaged_bundle(self, site: Site, tmp_path: Path) -> None:
        folder = write_bundle(tmp_path / "bundle", sharpness=30.0)
        (folder / "dictionary.txt").write_text("0\n")
        with pytest.raises(BundleError, match=r"dictionary\.txt"):
            site.deploy(folder, "steady")

    def test_preprocessing_that_differs_by_one_pixel(self, site: Site, other_bundle: Path) -> None:
        """The texts are the same; the scores of the export tell."""
        texts = ("bc", "éb", "cbé")
        images = [line_image(text) for text in texts]
        pixels = [decode_image(image) for image in images]
        padded = [cv2.copyMakeBorder(i, 0, 0, 1, 0, cv2.BORDER_REPLICATE) for i in pixels]
        read = open_bundle(other_bundle).read(padded)
        assert [answer.text for answer in read] == list(texts)
        golden = [
            GoldenImage(answer.text, image, answer)
            for image, answer in zip(images, read, strict=True)
        ]
        with pytest.raises(DeployError, match=r"but with score .* preprocessing or its network"):
            site.deploy(other_bundle, "steady", golden)

    def test_there_is_no_earlier_version(self, site: Site) -> None:
        with pytest.raises(ConfigError, match="no earlier version"):
            rollback("steady", store=site.store, endpoints=[site.url])
        with pytest.raises(ConfigError, match=r"no version 99\. Choose from: 1"):
            rollback("steady", store=site.store, endpoints=[site.url], version=99)

    @pytest.mark.slow
    def test_a_new_server_starts_with_production(
        self, site: Site, steady: float, s3_server: S3Server, bundle: Path, tmp_path: Path
    ) -> None:
        """By its start options, and, where it started empty, by a repeated deployment."""
        address = f"s3://{s3_server.endpoint}/ocr/triton"
        log, models = tmp_path / "log", ("steady_core", "steady")
        with TritonServer(address, log=log, load=models) as server:
            assert score(server.url, "steady") == steady
        with TritonServer(address, log=log) as server:
            empty = Site(site.store, server.url, site.golden)
            assert empty.deploy(bundle, "steady").production == site.production("steady")
            assert score(server.url, "steady") == steady


@pytest.mark.slow
def test_a_deployment_that_died_disturbs_no_other(
    site: Site,
    bundle: Path,
    other_bundle: Path,
    third_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Version 2 answers already, but is not in production, when its deployer is killed."""
    site.deploy(bundle, "orphan")
    with monkeypatch.context() as patch:
        patch.setattr(PointerLease, "write", lambda *_: sys.exit("killed"))
        with pytest.raises(SystemExit):
            site.deploy(other_bundle, "orphan")
    assert site.loaded("orphan") == site.networks("orphan", 1, 2)
    monkeypatch.setattr("ocr_lib.serving.blue_green.IDLE_S", 0)
    with traffic(site.url, "orphan") as seen:
        time.sleep(0.2)
        site.deploy(third_bundle, "orphan")
        last = score(site.url, "orphan")
    assert seen.failures == []
    assert last in seen.scores
    assert site.loaded("orphan") == site.networks("orphan", 1, 3)


@pytest.mark.slow
def test_a_deployment_that_was_followed_leaves_the_servers_alone(
    site: Site, bundle: Path, other_bundle: Path, tmp_path: Path
) -> None:
    """Its version may be its successor's by then; the reconciler goes by the pointer."""
    site.deploy(bundle, "was-followed")
    one = score(site.url, "was-followed")
    digest = Bundle.open(other_bundle).digest
    with pointer_lease(site.store, "was-followed") as pointer:
        record = record_version(site.store, "was-followed", "s3://b/two", digest, {})
        built = build_model_version(other_bundle, "was-followed", record.version)
        upload_version(site.store, built, site.golden)
        claim_production(site.store, "was-followed", "successor")
        change = VersionChange(site.store, pointer, [site.url], tmp_path)
        with pytest.raises(DeployError, match=r"changed production\.json.* servers follow"):
            change.to(record, site.golden)
    assert score(site.url, "was-followed") != one
    assert reconciled(site, "was-followed") == one


@pytest.mark.slow
def test_a_lease_that_ends_after_the_pointer_was_written_leaves_the_rest(
    conditional_store: Store, site: Site, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What servers start with, and what they have loaded, may be the next deployment's by then."""
    monkeypatch.setattr(store_lease, "HOLD_S", 3.0)
    monkeypatch.setattr(store_lease, "CALL_S", 60.0)
    model = "outlived"
    last = Rule(held(), "PUT", f"registry/{model}/production.json")
    unrenewed = Rule(reset(), "PUT", f"leases/deploy-{model}/*", times=0)
    with (
        faulty_store(conditional_store, last, unrenewed) as store,
        ThreadPoolExecutor(1) as pool,
    ):
        deployed = pool.submit(Site(store, site.url, site.golden).deploy, bundle, model)
        assert last.reached.wait(60)
        unrenewed.times = 999
        with deploying(conditional_store, model):
            last.release.set()
            deployment = deployed.result(120)
        unrenewed.times = unrenewed.injected
    assert deployment.production.version == 1
    assert len(deployment.notes) == 2
    assert all("not renewed for" in note for note in deployment.notes)
    assert not conditional_store.exists(f"triton/{model}/config.pbtxt")


@pytest.mark.slow
def test_a_pointer_of_which_nothing_is_known(
    site: Site, bundle: Path, other_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither written nor read: what the servers do next is for the pointer to say."""
    site.deploy(bundle, "unsaid")
    one = score(site.url, "unsaid")
    monkeypatch.setattr("ocr_lib.storage.s3.UNANSWERED_FOR_S", 0.0)
    monkeypatch.setattr("ocr_lib.registry.pointer.SETTLE_S", 0.0)
    key = "registry/unsaid/production.json"
    unread = Rule(reset(), "GET", key, times=4, skip=2)
    unwritten = Rule(reset(), "PUT", key, skip=1)
    with (
        faulty_store(site.store, unread, unwritten) as store,
        pytest.raises(DeployError, match=r"whether production\.json names version 2 of unsaid is"),
    ):
        Site(store, site.url, site.golden).deploy(other_bundle, "unsaid")
    assert score(site.url, "unsaid") != one
    assert [record.version for record in list_versions(site.store, "unsaid")] == [1, 2]
    assert reconciled(site, "unsaid") == one


def reconciled(site: Site, model: str) -> float:
    """Has a reconciler look at the server once; returns the score of what it serves then."""
    reconciler = Reconciler(site.store, site.url, [model])
    reconciler.sync()
    reconciler.close()
    assert reconciler.ready
    return score(site.url, model)
