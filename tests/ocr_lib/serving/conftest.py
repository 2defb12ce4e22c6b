"""Tiny bundles, a served model and certificates for these tests."""

from pathlib import Path

import pytest

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.bundle_fixtures import bundle, golden, other_bundle
from tests.ocr_lib.serving.certificates import Certificates
from tests.ocr_lib.serving.loaded import MODEL
from tests.ocr_lib.serving.site import Site
from tests.ocr_lib.serving.tiny_bundle import write_bundle

__all__ = ["bundle", "golden", "other_bundle"]


@pytest.fixture(scope="module")
def served(
    triton: TritonServer, s3_server: S3Server, bundle: Path, golden: list[GoldenImage]
) -> TritonServer:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        deploy(str(bundle), MODEL, golden, store=Store.from_env(), endpoints=[triton.url])
    return triton


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture
def site(triton: TritonServer, store: Store, golden: list[GoldenImage]) -> Site:
    return Site(store, triton.url, golden)


@pytest.fixture(scope="module")
def third_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "three", sharpness=20.0)
