"""A real run on small data, as the steps after training find it; trained once for all tests."""

from pathlib import Path
from typing import NamedTuple

import pytest

from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.champion import Champion
from ocr_lib.registry.production import promoted, record_version, write_production
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, upload
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines

TEXTS = [f"{i:03}" for i in range(0, 600, 7)]


class Data(NamedTuple):
    """The three sets."""

    train: ArtifactRef
    validation: ArtifactRef
    test: ArtifactRef


@pytest.fixture(scope="session")
def data(session_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("sets")
    parts = {"train": TEXTS[:48], "validation": TEXTS[48:60], "test": TEXTS[60:]}
    return Data(*(pack_lines(session_store, folder / role, texts) for role, texts in parts.items()))


@pytest.fixture(scope="session")
def session_store(s3_server: S3Server) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        return Store.from_env()


@pytest.fixture(scope="session")
def trained(
    session_store: Store, data: Data, tmp_path_factory: pytest.TempPathFactory
) -> ArtifactRef:
    from ocr_lib.training import train
    from tests.ocr_lib.training.line_data import small_config

    folder = tmp_path_factory.mktemp("trained")
    folders = [download(session_store, p, folder / f"lmdb-{i}") for i, p in enumerate(data[:2])]
    train(small_config(*folders, folder / "run", **{"Global.epoch_num": 1}), quiet=True)
    return upload(
        session_store, folder / "run", f"runs/{folder.name}", checkpoint="latest",
        train_digest=data.train.digest, validation_digest=data.validation.digest,
    )  # fmt: skip


@pytest.fixture
def model(trained: ArtifactRef, tmp_path: Path) -> ArtifactRef:
    """The trained run under a name that only one test has."""
    return ArtifactRef(trained.uri, trained.digest, {**trained.metadata, "run": tmp_path.name})


def put_into_production(store: Store, name: str, bundle: Path) -> Champion:
    """Makes a bundle the version in production, without servers."""
    digest = Bundle.open(bundle).digest
    uri = store.put_tree(bundle, f"registry/{name}/bundles/{digest}")
    record = record_version(store, name, uri, digest, {})
    write_production(store, promoted(name, record, None), None)
    return Champion(record.version, uri, digest)
