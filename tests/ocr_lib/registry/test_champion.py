from pathlib import Path

import pytest

from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.champion import open_champion
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle


def test_the_champion_reads_as_it_serves(store: Store, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    uri = store.put_tree(bundle, "registry/serving/bundles/1")
    recognizer = open_champion(store, uri, Bundle.open(bundle).digest, tmp_path / "champion")
    assert recognizer.read([line_image("abca")])[0].text == "abca"


def test_another_bundle_in_its_place_is_refused(store: Store, tmp_path: Path) -> None:
    digest = Bundle.open(write_bundle(tmp_path / "bundle")).digest
    uri = store.put_tree(write_bundle(tmp_path / "other", sharpness=9.0), "registry/swapped/1")
    with pytest.raises(DataError, match=r"production\.json says"):
        open_champion(store, uri, digest, tmp_path / "champion")
