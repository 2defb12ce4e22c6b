"""What a version leaves in the store."""

from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.inference.bundle import Bundle, BundleError
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.repository_store import (
    download_golden,
    download_version,
    prepare_repository,
    upload_version,
    write_configs,
)
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store


def test_triton_gets_an_address_that_has_an_object(store: Store) -> None:
    address = prepare_repository(store)
    assert address == f"s3://{store.client.endpoint}/{store.bucket}/triton"
    assert store.exists("triton/README")
    assert prepare_repository(store) == address


def test_a_version_comes_back_as_the_bundle_it_was(
    store: Store, bundle: Path, golden: list[GoldenImage], tmp_path: Path
) -> None:
    version = build_model_version(bundle, "kept", 3)
    mixed = [golden[0], replace(golden[1], scored=True)]
    upload_version(store, version, mixed)
    digest = Bundle.open(bundle).digest
    folder = download_version(store, "kept", 3, digest, tmp_path / "version")
    assert Bundle.open(folder, verify=False).digest == digest
    assert (folder / "model.onnx").read_bytes() == (bundle / "model.onnx").read_bytes()
    found = download_golden(store, "kept", 3, tmp_path / "golden")
    assert [(item.name, item.image, item.scored) for item in found] == [
        (item.name, item.image, item.scored) for item in mixed
    ]
    assert [item.recognition.text for item in found] == [item.recognition.text for item in mixed]
    assert found[1].recognition.score == pytest.approx(mixed[1].recognition.score)


def test_another_bundle_than_was_recorded_is_refused(
    store: Store,
    bundle: Path,
    other_bundle: Path,
    golden: list[GoldenImage],
    tmp_path: Path,
) -> None:
    upload_version(store, build_model_version(other_bundle, "exchanged", 1), golden)
    recorded = Bundle.open(bundle).digest
    with pytest.raises(
        BundleError, match=f"exchanged/1: holds the bundle .*recorded {recorded} as"
    ):
        download_version(store, "exchanged", 1, recorded, tmp_path / "version")


def test_a_version_that_is_whole_is_never_written_again(
    store: Store, bundle: Path, golden: list[GoldenImage], tmp_path: Path
) -> None:
    version = build_model_version(bundle, "once", 1)
    upload_version(store, version, golden)
    before = {item.key: item.modified for item in store.list("triton/once")}
    upload_version(store, version, golden)
    assert {item.key: item.modified for item in store.list("triton/once")} == before
    damaged = next(key for key in before if key.endswith("/model.onnx"))
    store.put_bytes(damaged, b"damaged")
    upload_version(store, version, golden)
    digest = Bundle.open(bundle).digest
    assert download_version(store, "once", 1, digest, tmp_path / "version").is_dir()


def test_what_is_not_there_is_an_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(MissingObjectError):
        download_version(store, "unheard-of", 1, "", tmp_path / "version")
    with pytest.raises(MissingObjectError):
        download_golden(store, "unheard-of", 1, tmp_path / "golden")


def test_servers_that_start_serve_what_the_configurations_say(store: Store, bundle: Path) -> None:
    version = build_model_version(bundle, "configured", 7)
    write_configs(store, version.configs)
    for model in ("configured", "configured_core"):
        content, _ = store.client.get(store.bucket, f"triton/{model}/config.pbtxt", 1 << 16)
        assert b"versions: 7\n" in content
