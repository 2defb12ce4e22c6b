"""Where a version comes from, and which versions may go."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr_lib.inference.bundle import MANIFEST
from ocr_lib.registry.golden_images import golden_prefix
from ocr_lib.registry.production import (
    CORE_SUFFIX,
    REPOSITORY,
    Production,
    VersionRecord,
    forget_version,
    list_versions,
    mark_pruned,
    read_production,
)
from ocr_lib.regular_file import read_bounded
from ocr_lib.storage.s3 import MissingObjectError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME

REPORTED = (
    "model_name",
    "preprocess",
    "characters",
    "metrics",
    "lineage",
    "digests",
    "versions",
)
RUN_SPEC = "spec"  # in a bundle's lineage: the digest of the run spec that it was made by


def lineage(store: Store, model: str, record: VersionRecord) -> dict[str, Any]:
    """Returns all that is known of a version: from its bundle, data, code and configuration.

    A version that was pruned has its record only.
    """
    facts: dict[str, Any] = {
        "version": record.version,
        "bundle": record.bundle,
        "digest": record.digest,
        "time": record.time,
        "evaluation": record.metrics,
        **({"forced": record.forced} if record.forced else {}),
    }
    if record.pruned:
        return {**facts, "pruned": record.pruned}
    try:
        content = _bundle_json(store, model, record.version)
    except MissingObjectError:
        return {**facts, "published": False}
    return {
        **facts,
        **{key: content.get(key) for key in REPORTED},
        "config": content.get("config"),
    }


def differences(
    one: dict[str, Any], other: dict[str, Any], path: str = ""
) -> list[tuple[str, Any, Any]]:
    """Returns what differs: path of keys, value in `one`, value in `other`; absent is None."""
    rows: list[tuple[str, Any, Any]] = []
    for key in sorted(one.keys() | other.keys()):
        where = f"{path}.{key}" if path else key
        left, right = one.get(key), other.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            rows += differences(left, right, where)
        elif left != right:
            rows.append((where, left, right))
    return rows


@dataclass(frozen=True)
class Removal:
    """A version that goes.

    Attributes:
        record: the version.
        keys: its objects in the store.
        size: of those, in bytes.
    """

    record: VersionRecord
    keys: tuple[str, ...]
    size: int


def removable(store: Store, model: str, keep: int) -> list[Removal]:
    """Returns the versions that are no longer needed, the oldest first.

    Never the one in production or its predecessor, to which a rollback leads; nor the newest
    `keep`. Their records stay, so that no number is given twice.
    """
    records = list_versions(store, model)
    needed = needed_versions(read_production(store, model), records, keep)
    return [
        _removal(store, model, record)
        for record in records
        if not record.pruned and record.version not in needed
    ]


def needed_versions(
    production: Production | None, records: Sequence[VersionRecord], keep: int
) -> set[int]:
    """Returns the numbers of the versions that stay: see `removable`."""
    stored = [record.version for record in records if not record.pruned]
    needed = {production.version, production.predecessor} if production else set()
    return {version for version in needed if version} | set(stored[max(len(stored) - keep, 0) :])


def prune(store: Store, model: str, removals: Sequence[Removal], check: Callable[[], None]) -> None:
    """Deletes versions; each is marked first, so that one half deleted is not rolled back to.

    Args:
        store: holds the model repository and the registry.
        model: the model's name.
        removals: the versions.
        check: raises where the lease is lost; called before each change.

    Raises:
        LeaseLostError: the lease was lost; what is left may be needed by now.
    """
    for removal in removals:
        check()
        mark_pruned(store, model, removal.record)
        for key in removal.keys:
            check()
            store.remove(key)


def take_back(
    store: Store,
    model: str,
    record: VersionRecord,
    earlier: VersionRecord | None,
    check: Callable[[], None],
) -> None:
    """Leaves of a version that did not get into service what there was before. Needs the lease.

    A version that is in production stays as it is.

    Args:
        store: holds the model repository and the registry.
        model: the model's name.
        record: the version.
        earlier: what was recorded of it before; None where it is new.
        check: raises where the lease is lost; called before each change.

    Raises:
        LeaseLostError: the lease was lost; what is left may be another deployment's.
    """
    if earlier and not earlier.pruned:
        return
    production = read_production(store, model)
    if production and production.version == record.version:
        return
    keys = _removal(store, model, record).keys
    for key in sorted(keys, key=lambda key: not key.endswith(MANIFEST_NAME)):
        check()
        store.remove(key)  # without its manifest the rest is not there for others
    check()
    if earlier:
        mark_pruned(store, model, earlier)
    else:
        forget_version(store, model, record.version)


def _removal(store: Store, model: str, record: VersionRecord) -> Removal:
    prefixes = (
        f"{REPOSITORY}/{model}/{record.version}/",
        f"{REPOSITORY}/{model}{CORE_SUFFIX}/{record.version}/",
        f"{golden_prefix(model, record.version)}/",
    )
    items = [item for prefix in prefixes for item in store.list(prefix)]
    return Removal(record, tuple(item.key for item in items), sum(item.size for item in items))


def _bundle_json(store: Store, model: str, version: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as work:
        folder = store.get_tree(f"{REPOSITORY}/{model}/{version}", Path(work) / "version")
        return dict(json.loads(read_bounded(folder / MANIFEST)))
