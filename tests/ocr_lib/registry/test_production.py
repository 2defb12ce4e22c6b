"""What serves now, and which versions there are."""

from dataclasses import replace

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.registry.production import (
    MAX_HISTORY,
    Production,
    VersionRecord,
    check_model_name,
    find_version,
    forget_version,
    list_versions,
    mark_pruned,
    models_in_production,
    promoted,
    read_production,
    read_record,
    read_versioned,
    record_version,
    write_production,
)
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME


def record(version: int) -> VersionRecord:
    return VersionRecord(version, f"s3://b/{version}", f"digest-{version}", "2026-01-01", {"a": 1})


@pytest.mark.parametrize("name", ["a", "Ocr-2_x", "a" * 63, "core", "a_release1_0000"])
def test_names_that_can_be_models(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "1a", "-a", "a/b", "a.b", "é", "a" * 64, "a_core", "a_release1_0123abcd",
     "a_release1_0123abcd_core", "a\n"],
)  # fmt: skip
def test_names_that_cannot(name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be a model's name"):
        check_model_name(name)


def test_versions_that_served_are_where_a_rollback_leads() -> None:
    first = promoted("m", record(1), None)
    assert (first.version, first.history, first.predecessor) == (1, [], None)
    second = promoted("m", record(2), first)
    third = promoted("m", record(3), second)
    assert (third.history, third.predecessor) == ([1, 2], 2)
    assert third.to_dict()["predecessor"] == 2
    assert (third.bundle, third.digest, third.metrics) == ("s3://b/3", "digest-3", {"a": 1})


def test_going_back_forgets_what_served_after() -> None:
    production = None
    for version in (1, 2, 3, 4):
        production = promoted("m", record(version), production)
    back = promoted("m", record(2), production)
    assert (back.version, back.history) == (2, [1])


def test_the_history_is_bounded() -> None:
    production = None
    for version in range(1, MAX_HISTORY + 10):
        production = promoted("m", record(version), production)
    assert production is not None
    assert len(production.history) == MAX_HISTORY
    assert production.predecessor == production.version - 1


def test_nothing_serves_before_the_first_deployment(store: Store) -> None:
    assert read_production(store, "nothing-yet") is None
    assert read_versioned(store, "nothing-yet") == (None, None)
    assert list_versions(store, "nothing-yet") == []
    assert read_record(store, "nothing-yet", 1) is None


def test_the_pointer_is_read_as_it_was_written(store: Store) -> None:
    production = promoted("pointed", record(1), None)
    write_production(store, production, None)
    found, etag = read_versioned(store, "pointed")
    assert found == production
    write_production(store, promoted("pointed", record(2), production), etag)
    again = read_production(store, "pointed")
    assert again is not None
    assert again.predecessor == 1
    assert "pointed" in models_in_production(store)


def test_equal_bundles_are_one_version_and_numbers_ascend(store: Store) -> None:
    one = record_version(store, "numbered", "s3://a", "d1", {})
    two = record_version(store, "numbered", "s3://b", "d2", {"acc": 0.5})
    assert (one.version, two.version) == (1, 2)
    assert record_version(store, "numbered", "s3://other", "d1", {}) == one
    assert list_versions(store, "numbered") == [one, two]
    assert find_version(store, "numbered", 2) == two
    with pytest.raises(ConfigError, match=r"numbered has no version 3\. Choose from: 1, 2"):
        find_version(store, "numbered", 3)


def test_the_reason_of_a_deployment_by_force_stays(store: Store) -> None:
    one = record_version(store, "forced", "s3://a", "d1", {}, "by hand")
    assert record_version(store, "forced", "s3://a", "d1", {}) == one
    assert find_version(store, "forced", 1).forced == "by hand"
    record_version(store, "forced", "s3://a", "d1", {}, "once more")
    assert find_version(store, "forced", 1).forced == "once more"


def test_a_version_that_never_served_leaves_its_number_free(store: Store) -> None:
    record_version(store, "freed", "s3://a", "d1", {})
    record_version(store, "freed", "s3://b", "d2", {})
    forget_version(store, "freed", 2)
    assert record_version(store, "freed", "s3://c", "d3", {}).version == 2


def test_a_pruned_version_that_comes_back_keeps_its_number(store: Store) -> None:
    one = record_version(store, "comes-back", "s3://a", "d1", {})
    mark_pruned(store, "comes-back", one)
    assert find_version(store, "comes-back", 1).pruned
    back = record_version(store, "comes-back", "s3://new", "d1", {})
    assert (back.version, back.bundle, back.pruned) == (1, "s3://new", "")
    assert find_version(store, "comes-back", 1) == replace(one, bundle="s3://new")


@pytest.mark.parametrize("elsewhere", ["build/bundle", "s3://ocr/mine/1", "s3://b/registry/m/x"])
def test_a_bundle_that_is_in_the_registry_is_recorded_there(store: Store, elsewhere: str) -> None:
    model = f"moves-{len(elsewhere)}"
    one = record_version(store, model, elsewhere, "d1", {"acc": 0.5})
    registered = store.uri(f"registry/{model}/bundles/1")
    store.put_json(f"registry/{model}/bundles/1/{MANIFEST_NAME}", {})
    assert record_version(store, model, registered, "d1", {}) == replace(one, bundle=registered)
    for other in (elsewhere, f"{registered}2"):
        assert record_version(store, model, other, "d1", {}).bundle == registered
    assert find_version(store, model, 1) == replace(one, bundle=registered)
    store.remove(f"registry/{model}/bundles/1/{MANIFEST_NAME}")  # what was there is gone
    assert record_version(store, model, f"{registered}2", "d1", {}).bundle == f"{registered}2"


def test_fields_of_later_releases_are_passed_over_and_missing_ones_named(store: Store) -> None:
    production = promoted("later", record(1), None)
    store.put_json("registry/later/production.json", {**production.to_dict(), "new": 1})
    assert read_production(store, "later") == production
    store.put_json("registry/later/production.json", {"model": "later"})
    with pytest.raises(DigestError, match=r"registry/later/production\.json: malformed"):
        read_production(store, "later")


def test_a_production_of_early_releases_has_no_metrics() -> None:
    assert Production("m", 1, "s3://b", "d", [], "2026-01-01").metrics == {}
