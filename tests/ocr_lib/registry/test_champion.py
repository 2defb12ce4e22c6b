import secrets
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.errors import DataError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.champion import (
    Champion,
    champion_key,
    open_champion,
    pin_champion,
    read_champion,
)
from ocr_lib.registry.production import VersionRecord, promoted, read_versioned, write_production
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

ONE, TWO = (Champion(n, f"s3://ocr/registry/m/bundles/{n}", str(n) * 64) for n in (1, 2))


@pytest.fixture
def run() -> str:
    return secrets.token_hex(8)


def promote(store: Store, model: str, champion: Champion) -> None:
    production, etag = read_versioned(store, model)
    record = VersionRecord(champion.version, champion.bundle, champion.digest, "2026-11-28")
    write_production(store, promoted(model, record, production), etag)


def test_the_champion_of_a_run_is_production_when_it_began_to_predict(
    store: Store, run: str
) -> None:
    promote(store, "pinned", ONE)
    assert pin_champion(store, run, "pinned") == ONE
    promote(store, "pinned", TWO)
    assert pin_champion(store, run, "pinned") == read_champion(store, run) == ONE
    assert pin_champion(store, f"{run}-later", "pinned") == TWO


def test_that_there_was_none_is_pinned_too(store: Store, run: str) -> None:
    assert pin_champion(store, run, "fresh") is None
    promote(store, "fresh", ONE)
    assert pin_champion(store, run, "fresh") is None


def test_a_pod_that_loses_the_race_adopts_what_is_there(store: Store, run: str) -> None:
    """Another pod pins version 1 after this one has looked, and production changes."""
    promote(store, "raced", ONE)

    class Late(Store):
        def exists(self, name: str) -> bool:
            was = super().exists(name)
            pin_champion(store, run, "raced")
            promote(store, "raced", TWO)
            return was

    assert pin_champion(Late(store.client, store.bucket), run, "raced") == ONE


def test_a_run_that_has_pinned_none_or_is_about_another_model_is_refused(
    store: Store, run: str
) -> None:
    with pytest.raises(MissingObjectError):
        read_champion(store, run)
    pin_champion(store, run, "one-model")
    with pytest.raises(DataError, match="the run is about one-model, not other-model"):
        pin_champion(store, run, "other-model")


@pytest.mark.parametrize(
    "pin",
    [
        [],
        {},
        {"format": 2, "model": "m", "champion": None},
        {"format": 1, "champion": None},
        {"format": 1, "model": "m"},
        {"format": 1, "model": "m", "champion": {"version": 1}},
        {"format": 1, "model": "m", "champion": {"version": "x", "bundle": "", "digest": ""}},
    ],
)
def test_a_damaged_pin_is_refused(store: Store, run: str, pin: Any) -> None:
    store.put_json(champion_key(run), pin)
    with pytest.raises(DataError, match=r"champion\.json: not a pinned champion") as error:
        read_champion(store, run)
    assert str(error.value).endswith("Start a new run.")


def test_the_champion_reads_as_it_serves(store: Store, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    uri = store.put_tree(bundle, "registry/serving/bundles/1")
    champion = Champion(1, uri, Bundle.open(bundle).digest)
    recognizer = open_champion(store, champion, tmp_path / "champion")
    assert recognizer.read([line_image("abca")])[0].text == "abca"


def test_another_bundle_in_its_place_is_refused(store: Store, tmp_path: Path) -> None:
    digest = Bundle.open(write_bundle(tmp_path / "bundle")).digest
    uri = store.put_tree(write_bundle(tmp_path / "other", sharpness=9.0), "registry/swapped/1")
    with pytest.raises(DataError, match=r"production\.json says"):
        open_champion(store, Champion(1, uri, digest), tmp_path / "champion")
