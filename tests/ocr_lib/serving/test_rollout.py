"""Deployments on a real Triton, under requests where it matters."""

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from ocr_lib.data.image import decode_image
from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.inference.bundle import Bundle, BundleError
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.registry.golden_images import GoldenImage, golden_images
from ocr_lib.registry.production import (
    Production,
    list_versions,
    mark_pruned,
    read_production,
    record_version,
)
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.blue_green import release_name
from ocr_lib.serving.endpoints import resolve
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.replay_evaluation import Comparison, RecordedSample, ReplayEvaluation
from ocr_lib.serving.repository_store import upload_version
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.serving.version_change import DeployError, Deployment
from ocr_lib.storage.s3 import ConflictError, DigestError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import store_lease
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, line_image, write_bundle
from tests.ocr_lib.serving.traffic import TEXT, score, traffic

WRONG = [GoldenImage("cab.png", line_image(TEXT), Recognition("not cab", 0.0), scored=False)]


@dataclass
class Site:
    """A store and a server, and the images that every version must read."""

    store: Store
    url: str
    golden: list[GoldenImage]

    def deploy(
        self,
        bundle: Path | str,
        model: str,
        golden: list[GoldenImage] | None = None,
        *,
        force: bool = True,
    ) -> Deployment:
        return deploy(
            str(bundle),
            model,
            golden or self.golden,
            store=self.store,
            endpoints=[self.url],
            force=force,
        )

    def content(self, key: str) -> bytes:
        return self.store.client.get(self.store.bucket, key, 1 << 20)[0]

    def production(self, model: str) -> Production | None:
        return read_production(self.store, model)

    def objects(self, model: str) -> list[str]:
        """What the store holds of a model."""
        prefixes = (f"registry/{model}/", f"triton/{model}")
        return [item.key for prefix in prefixes for item in self.store.list(prefix)]

    def loaded(self, prefix: str) -> list[str]:
        with TritonAdmin(self.url) as admin:
            return sorted(admin.last_inference_s(prefix))

    def networks(self, model: str, *versions: int) -> list[str]:
        """What a server has that serves one of these versions and keeps the others."""
        digests = {record.version: record.digest for record in list_versions(self.store, model)}
        names = [
            release_name(model, version, digests[version])
            for version in versions
            if version in digests
        ]
        return [model, *sorted(f"{name}_core" for name in names)]


@pytest.fixture
def site(triton: TritonServer, store: Store, golden: list[GoldenImage]) -> Site:
    return Site(store, triton.url, golden)


@pytest.fixture(scope="module")
def third_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "three", sharpness=20.0)


@pytest.mark.slow
def test_versions_change_without_a_failed_or_untested_answer(
    site: Site, bundle: Path, other_bundle: Path, third_bundle: Path
) -> None:
    uri = site.store.put_tree(bundle, "registry/rolling/bundle-1")
    first = site.deploy(uri, "rolling")
    assert (first.production.version, first.production.predecessor) == (1, None)
    assert [answer.recognition.text for answer in first.answers] == [
        item.recognition.text for item in site.golden
    ]
    assert site.deploy(uri, "rolling").production == first.production
    one = score(site.url, "rolling")
    with traffic(site.url, "rolling") as seen:
        second = site.deploy(other_bundle, "rolling")
        two = score(site.url, "rolling")
        with pytest.raises(DeployError, match=r"'cab', not 'not cab'.* Version 2 serves on"):
            site.deploy(third_bundle, "rolling", WRONG)
        back = rollback("rolling", store=site.store, endpoints=[site.url])
    assert seen.failures == []
    assert set(seen.scores) == {one, two}
    assert one != two
    assert (second.production.version, second.production.predecessor) == (2, 1)
    assert (back.production.version, back.production.history) == (1, [])
    assert site.production("rolling") == back.production
    assert [record.version for record in list_versions(site.store, "rolling")] == [1, 2]
    assert score(site.url, "rolling") == one
    assert site.loaded("rolling") == site.networks("rolling", 1, 2)  # 2 may still be waited for


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

        def refuse(*_: object) -> None:
            raise ConflictError("changed by another process.")

        monkeypatch.setattr("ocr_lib.serving.version_change.write_production", refuse)
        with traffic(site.url, "steady") as seen, pytest.raises(DeployError, match="by another"):
            site.deploy(other_bundle, "steady")
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
                force=True,
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
            site.deploy(third_bundle, "steady")

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
        patch.setattr("ocr_lib.serving.version_change.write_configs", lambda *_: sys.exit("killed"))
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
def test_of_two_deployers_one_wins_and_the_other_says_so(
    site: Site, bundle: Path, other_bundle: Path, third_bundle: Path
) -> None:
    site.deploy(bundle, "contested")

    def attempt(bundle: Path) -> Production | ConflictError:
        try:
            return site.deploy(bundle, "contested").production
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(attempt, (other_bundle, third_bundle)))
    (winner,) = [end for end in ends if isinstance(end, Production)]
    (loser,) = [end for end in ends if isinstance(end, ConflictError)]
    assert site.production("contested") == winner
    assert f"version {winner.version} was put into service while this deployment" in str(loser)


def test_who_does_not_want_to_wait_is_told_who_deploys(site: Site, bundle: Path) -> None:
    with (
        store_lease(site.store, "deploy-busy"),
        pytest.raises(ConflictError, match="deploy-busy: held"),
    ):
        deploy(
            str(bundle),
            "busy",
            site.golden,
            store=site.store,
            endpoints=[site.url],
            wait_s=0,
        )


@pytest.mark.slow
def test_recorded_lines_hold_a_version_back(
    site: Site, bundle: Path, other_bundle: Path, tmp_path: Path
) -> None:
    """The golden images are of its own export: only what was read before tells."""
    turned = write_bundle(tmp_path / "turned", CHARACTERS[::-1])
    golden = golden_images(turned, {"a.png": line_image("a")})
    site.deploy(bundle, "shadowed")
    lines = [RecordedSample(f"{text}.png", line_image(text), text) for text in ("abc", "cab", "a")]

    def put(bundle: Path, golden: list[GoldenImage], max_changed: float | None) -> Deployment:
        where = {"store": site.store, "endpoints": [site.url]}
        shadow = ReplayEvaluation([*lines, RecordedSample("bad", b"no image")], max_changed)
        return deploy(str(bundle), "shadowed", golden, shadow=shadow, force=True, **where)

    with pytest.raises(DeployError, match=r"3 of 3 recorded lines differently .* more than 50%"):
        put(turned, golden, 0.5)
    with pytest.raises(DeployError, match="0 of 3 corrected lines right, the one in production 3"):
        put(turned, golden, 1.0)
    assert site.loaded("shadowed") == site.networks("shadowed", 1)
    found = put(other_bundle, site.golden, 0.0)
    assert found.production.version == 2
    assert found.shadow == Comparison(3, 0, 3, 3, 3, ())
    reported = put(turned, golden, None).shadow
    assert str(reported) == (
        "3 of 3 recorded lines are read otherwise; of 3 with a known truth 0 are read right, "
        "3 before"
    )


@pytest.mark.slow
def test_a_name_stands_for_every_address(site: Site, bundle: Path) -> None:
    port = site.url.rpartition(":")[2]
    assert resolve([f"localhost:{port}", site.url]) == [site.url]
    with pytest.raises(ServiceError, match=r"nowhere\.invalid:1: the name cannot be resolved"):
        resolve(["nowhere.invalid:1"])
    found = deploy(
        str(bundle),
        "named",
        site.golden,
        store=site.store,
        endpoints=[f"localhost:{port}"],
    )
    assert len(found.answers) == len(site.golden)


@pytest.mark.parametrize("name", ["", "1st", "a/b", "a b", "x_core", "x_release3_0123abcd", "é"])
def test_a_name_that_cannot_be_a_models_is_refused(site: Site, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a model's name"):
        site.deploy("nowhere", name)


def test_golden_images_and_servers_are_needed(site: Site, bundle: Path) -> None:
    with pytest.raises(ConfigError, match="golden images"):
        deploy(str(bundle), "m", [], store=site.store, endpoints=[site.url])
    with pytest.raises(ConfigError, match="Triton endpoints"):
        deploy(str(bundle), "m", site.golden, store=site.store, endpoints=[])


def test_a_store_that_is_down_is_named(
    site: Site, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("OCR_S3_ENDPOINT", f"http://127.0.0.1:{port}")
    site.store = Store.from_env(timeout_s=1)
    with pytest.raises(ServiceError, match=f"127.0.0.1:{port}.*does not answer"):
        site.deploy(bundle, "m")
