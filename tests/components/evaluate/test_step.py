from pathlib import Path

import pytest

from components.deploy.production import promoted, record_version, write_production
from components.evaluate.step import _champion
from components.shared.store import Store
from ocr_lib.bundle import Bundle
from ocr_lib.errors import DataError
from tests.components.deploy.tiny_bundle import line_image, write_bundle


def put_into_production(store: Store, model: str, bundle: Path, digest: str) -> str:
    uri = store.put_tree(bundle, f"registry/{model}/bundles/{digest}")
    record = record_version(store, model, uri, digest, {})
    write_production(store, promoted(model, record, None), None)
    return uri


def test_before_the_first_deployment_there_is_no_champion(store: Store, tmp_path: Path) -> None:
    assert _champion("nobody", tmp_path / "champion") is None


def test_the_champion_reads_as_it_serves(store: Store, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    put_into_production(store, "serving", bundle, Bundle.open(bundle).digest)
    recognizer = _champion("serving", tmp_path / "champion")
    assert recognizer is not None
    assert recognizer.read([line_image("abca")])[0].text == "abca"


def test_another_bundle_in_its_place_is_refused(store: Store, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    uri = put_into_production(store, "swapped", bundle, Bundle.open(bundle).digest)
    store.put_tree(write_bundle(tmp_path / "other", sharpness=9.0), uri)
    with pytest.raises(DataError, match=r"production\.json says"):
        _champion("swapped", tmp_path / "champion")
