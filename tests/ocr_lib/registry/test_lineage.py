"""What is known of versions, and which may be deleted, on a real store."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.lineage import differences, lineage, prune, removable
from ocr_lib.registry.pointer import deploying
from ocr_lib.registry.production import (
    find_version,
    list_versions,
    promoted,
    read_versioned,
    record_version,
    write_production,
)
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.repository_store import download_golden, upload_version
from ocr_lib.serving.rollout import rollback
from ocr_lib.storage import store_lease
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import LeaseLostError
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle
from tests.pipelines.cli.command import call

GOLDEN = [GoldenImage("a.png", line_image("a"), Recognition("a", 0.0), scored=False)]


def put(store: Store, model: str, bundle: Path, accuracy: float) -> int:
    """Publishes a bundle and puts it into production, without a server."""
    digest = Bundle.open(bundle).digest
    record = record_version(store, model, str(bundle), digest, {"accuracy": accuracy})
    upload_version(store, build_model_version(bundle, model, record.version), GOLDEN)
    former, etag = read_versioned(store, model)
    write_production(store, promoted(model, record, former), etag)
    return record.version


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return [write_bundle(folder / str(n), sharpness=20.0 + n) for n in range(5)]


def test_what_nobody_needs_is_pruned(
    store: Store, bundles: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number, bundle in enumerate(bundles, start=1):
        assert put(store, "pruned", bundle, number / 10) == number
    former, etag = read_versioned(store, "pruned")
    assert former is not None
    write_production(store, replace(former, version=4, history=[1, 2]), etag)
    where = ("--model", "pruned")

    assert [r.record.version for r in removable(store, "pruned", 0)] == [1, 3, 5]
    assert [r.record.version for r in removable(store, "pruned", 1)] == [1, 3]
    assert [r.record.version for r in removable(store, "pruned", 9)] == []
    assert call("models", "prune", *where, "--keep", 1) == 0
    assert capsys.readouterr().out.endswith("nothing was deleted; give --yes to delete\n")
    assert store.list("triton/pruned/1/")

    assert call("models", "prune", *where, "--keep", 1, "--yes") == 0
    assert capsys.readouterr().out.startswith("delete version 1, 0.0 MB\ndelete version 3")
    for prefix in ("triton/pruned/1/", "triton/pruned_core/3/", "registry/pruned/golden/1/"):
        assert store.list(prefix) == []
    assert download_golden(store, "pruned", 2, tmp_path / "golden") == GOLDEN
    assert call("models", "prune", *where, "--keep", 1, "--yes") == 0
    assert capsys.readouterr().out == "nothing to delete\n"
    assert call("models", "list", *where) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[-1] == "pruned" for row in rows] == [True, False, True, False, False]
    with pytest.raises(ConfigError, match="version 1 was pruned"):
        rollback("pruned", store=store, endpoints=["localhost:1"], version=1)

    assert put(store, "pruned", bundles[0], 0.1) == 1  # deployed again: its files come back
    assert store.list("triton/pruned/1/")
    assert not find_version(store, "pruned", 1).pruned
    assert call("models", "prune", *where, "--keep", -1) == 2
    assert "--keep: '-1' is not a whole number" in capsys.readouterr().err


def test_nothing_is_pruned_once_the_lease_is_lost(
    store: Store, bundles: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for bundle in bundles[:3]:
        put(store, "unpruned", bundle, 0.5)
    before = store.list("triton/unpruned/")
    with deploying(store, "unpruned") as lease, monkeypatch.context() as patch:
        removals = removable(store, "unpruned", 0)
        assert removals
        patch.setattr(store_lease, "HOLD_S", 0.0)
        with pytest.raises(LeaseLostError):
            prune(store, "unpruned", removals, lease.check)
    assert store.list("triton/unpruned/") == before
    assert not any(record.pruned for record in list_versions(store, "unpruned"))


def test_show_and_diff_lead_to_the_bundle(
    store: Store, bundles: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for bundle in bundles[:2]:
        put(store, "known", bundle, 0.5)
    assert call("models", "show", 2, "--model", "known") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["digest"] == Bundle.open(bundles[1]).digest
    assert shown["preprocess"]["buckets"] == [64, 128, 256]
    assert shown["evaluation"] == {"accuracy": 0.5}
    assert call("models", "diff", 1, 2, "--model", "known") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert {row[0] for row in rows} <= {"bundle", "digest", "time", "version"}
    assert ["version", "1", "2"] in rows


def test_a_record_without_files_says_so(store: Store, bundles: list[Path]) -> None:
    record = record_version(store, "halfway", "s3://b/x", "0" * 64, {})
    assert lineage(store, "halfway", record)["published"] is False


def test_records_of_earlier_releases_are_read(store: Store) -> None:
    record = record_version(store, "old", "s3://b/x", "0" * 64, {})
    key = "registry/old/versions/1.json"
    value = store.get_json(key)
    del value["pruned"]
    store.put_json(key, {**value, "added_later": 1})
    assert list_versions(store, "old") == [record]


def test_differences_name_nested_keys() -> None:
    one = {"a": 1, "b": {"c": [1], "d": 2}, "e": 0}
    other = {"a": 1, "b": {"c": [2], "d": 2}, "f": None, "g": 3}
    found = [("b.c", [1], [2]), ("e", 0, None), ("g", None, 3)]
    assert differences(one, other) == found
