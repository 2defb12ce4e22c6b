"""Deletes what no kept version, no run in use and no decision needs any more.

Whatever uses something old writes it again (a tree its manifest, `plan` its run spec, `reopen` the
record of the run), and each item is listed once more before it is deleted, with what was written
since the look at all of them. What leads to other objects goes first, so that a reader finds
nothing, never a part; the rest stays where it is back by then. No lease keeps a run from using an
item right after that: who uploads a tree lists it after its manifest was written, and sends again
what is gone; what is deleted later still is found missing by the reader.

What names others goes before the named: a version before its bundle, a run's evaluation before its
data sets. So a collection that was interrupted is run again, and goes on.
"""

import logging
import math
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from ocr_lib.registry.lineage import needed_versions
from ocr_lib.registry.needed_items import find_needed
from ocr_lib.registry.pointer import deploying
from ocr_lib.registry.production import (
    is_model_name,
    list_versions,
    mark_pruned,
    read_production,
)
from ocr_lib.registry.retention import DAY_S, RetentionPolicy
from ocr_lib.registry.stored_items import (
    BUNDLES,
    DATASETS,
    DECISIONS,
    EVALUATIONS,
    FEEDBACK,
    FOLDERS,
    OTHER,
    PREDICTIONS,
    RECORDS,
    RUNS,
    SOURCES,
    SPECS,
    TEMPORARY,
    UPLOADS,
    VERSIONS,
    Item,
    leads_to_others,
    list_items,
    list_keys,
)
from ocr_lib.storage.s3 import DigestError, MissingObjectError, MultipartUpload
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import StoreLease, store_lease
from ocr_lib.storage.transfer import in_parallel

log = logging.getLogger(__name__)
# What names others comes before what it names.
ORDER = (
    *(VERSIONS, BUNDLES, EVALUATIONS, PREDICTIONS, RUNS, SPECS, DATASETS, FEEDBACK, SOURCES),
    *(TEMPORARY, UPLOADS, DECISIONS, RECORDS, OTHER),
)
FOR_EVER = {
    DECISIONS: "counted for each test set, kept for ever",
    RECORDS: "says what serves and which versions there were, kept for ever",
    OTHER: "not written by the pipeline",
}
YOUNG = "younger than min_age_s"
UPLOAD_ID = "?uploadId="
PASSES = 5  # looks at everything in one collection


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an item goes, and why.

    Attributes:
        item: what it is about.
        expired: whether it may be deleted.
        reason: why, or why not; the same for all items in the same state.
        last_use: of the item or, where it belongs to a run, of the run; epoch s.
        needed_by: what needs it; "" where nothing does, or only its age keeps it.
    """

    item: Item
    expired: bool
    reason: str
    last_use: float
    needed_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        item = {key: value for key, value in asdict(self.item).items() if value not in ("", False)}
        rest = {"last_use": self.last_use, "needed_by": self.needed_by}
        return {**item, "expired": self.expired, "reason": self.reason, **rest}


@dataclass(frozen=True, slots=True)
class Total:
    """What of one kind is kept or expired for one reason: number of items, objects and bytes."""

    kind: str
    expired: bool
    reason: str
    items: int
    objects: int
    bytes: int


def totals(decisions: Iterable[Decision]) -> list[Total]:
    """Adds up decisions by kind and reason."""

    def key(one: Decision) -> tuple[int, bool, str]:
        return ORDER.index(one.item.kind), not one.expired, one.reason

    return [
        Total(
            some[0].item.kind,
            some[0].expired,
            some[0].reason,
            len(some),
            sum(one.item.objects for one in some),
            sum(one.item.bytes for one in some),
        )
        for some in (list(group) for _, group in groupby(sorted(decisions, key=key), key))
    ]


def find_expired(store: Store, policy: RetentionPolicy, now: float) -> list[Decision]:
    """Decides about everything in the bucket; deletes nothing.

    Args:
        store: the bucket.
        policy: what to keep.
        now: epoch s by the store's clock.

    Returns:
        One decision for each item, in the order in which they may be deleted.

    Raises:
        ServiceError: the store does not answer, or a document that says what is needed is damaged.
    """
    items = list_items(store)
    last_use = _last_use(items.values())
    ages = {name: now - last_use[name] for name in items}
    # A run's inputs outlive the run: a run opened again just before it goes finds them.
    days = policy.runs_days
    in_use_s = math.inf if days is None else days * DAY_S + policy.min_age_s
    in_use = {item.run for item in items.values() if item.run and ages[item.name] < in_use_s}
    needed = find_needed(
        store,
        items,
        policy.keep_versions,
        in_use,
        lambda item: not _by_age(item, ages[item.name], policy)[0],
    )
    decisions = [*_uploads(store, policy, now)]
    for name, item in items.items():
        expired, reason = _by_age(item, ages[name], policy)
        by = ""
        if expired and name in needed:
            expired, (reason, by) = False, needed[name]
        decisions.append(Decision(item, expired, reason, last_use[name], by))
    joined = {
        decision.item.name
        for decision in decisions
        if decision.expired and _holds_shards_of_others(store, decision.item)
    }
    return sorted(decisions, key=lambda decision: _order(decision, joined))


def _holds_shards_of_others(store: Store, item: Item) -> bool:
    """Tells whether a data set names shards of others; one whose manifest is damaged may."""
    if item.kind != DATASETS or not item.is_tree or not item.name.endswith("/lmdb"):
        return False
    try:
        return bool(store.get_manifest(item.name).links)
    except (DigestError, MissingObjectError):
        return True


def collect_garbage(store: Store, policy: RetentionPolicy, now: float) -> list[Decision]:
    """Deletes what has expired; run again after an interruption, it goes on.

    Args:
        store: the bucket.
        policy: what to keep.
        now: epoch s by the store's clock.

    Returns:
        What was deleted.

    Raises:
        ConflictError: another collection, or a deployment of a model with expired versions, is
            under way.
        LeaseLostError: another collection or deployment took over; nothing more was deleted.
    """
    deleted: list[Decision] = []
    with store_lease(store, "gc") as lease:
        for _ in range(PASSES):
            for decision in find_expired(store, policy, now):
                if decision.expired:
                    if not _delete(store, policy, decision, lease):
                        log.info("%s was used meanwhile: looking again", decision.item.name)
                        break
                    deleted.append(decision)
            else:
                return deleted
    log.warning("objects are used while this collection runs: the rest is left to the next one")
    return deleted


def store_time(store: Store) -> float:
    """Returns the time by the store's clock, epoch s; this machine's where the bucket is empty."""
    for folder in ("registry/", "specs/"):  # which the key of the collection reads
        for stored in store.iterate(folder):
            known, age_s = store.client.stat(store.bucket, stored.key), store.age_s(stored.key)
            if known and age_s is not None:
                return known.modified + age_s
    return time.time()


def _last_use(items: Iterable[Item]) -> dict[str, float]:
    """Returns when each item was last used; what belongs to a run is used with it."""
    items = list(items)
    of_run: dict[str, float] = {}
    for item in items:
        of_run[item.run] = max(of_run.get(item.run, 0.0), item.newest)
    return {item.name: of_run[item.run] if item.run else item.newest for item in items}


def _by_age(item: Item, age_s: float, policy: RetentionPolicy) -> tuple[bool, str]:
    """Tells whether an item has expired where nothing needs it, and why."""
    if item.kind in FOR_EVER:
        return False, FOR_EVER[item.kind]
    if age_s < policy.min_age_s:
        return False, YOUNG
    is_partial = item.kind in (DATASETS, BUNDLES) and not item.is_tree
    if is_partial or item.kind in (TEMPORARY, UPLOADS):
        days, reason = policy.incomplete_days, "never completed, and left for"
    else:
        days, reason = policy.days(item.kind), "not used for"
    if days is None:
        return False, "kept for ever by the policy"
    if age_s < days * DAY_S:
        return False, f"used in the last {days:g} days"
    return True, f"{reason} {days:g} days"


def _uploads(store: Store, policy: RetentionPolicy, now: float) -> Iterator[Decision]:
    for upload in store.client.uploads(store.bucket, ""):
        if upload.key.startswith(FOLDERS) and not upload.key.startswith(f"{SOURCES}/"):
            name = f"{upload.key}{UPLOAD_ID}{upload.upload_id}"
            item = Item(UPLOADS, name, objects=1, newest=upload.started)
            yield Decision(item, *_by_age(item, now - upload.started, policy), upload.started)


def _order(decision: Decision, joined: Collection[str]) -> tuple[int, bool, str]:
    """Puts what names others before what it names: pointers of runs before their specs, and data
    sets that hold shards of others before these.
    """
    item = decision.item
    is_named = not item.run if item.kind == SPECS else item.name not in joined
    return ORDER.index(item.kind), is_named, item.name


def _delete(store: Store, policy: RetentionPolicy, decision: Decision, lease: StoreLease) -> bool:
    """Deletes an expired item; returns False where it was used since, and is left alone.

    Raises:
        LeaseLostError: the collection's lease, or that of the model's deployments, was lost.
    """
    item = decision.item
    lease.check()
    if item.kind == UPLOADS:
        key, _, upload_id = item.name.rpartition(UPLOAD_ID)
        store.client.abort_upload(store.bucket, MultipartUpload(key, upload_id, item.newest))
        return True
    is_of_model = item.kind in (VERSIONS, BUNDLES) and is_model_name(item.model)
    with deploying(store, item.model) if is_of_model else nullcontext(lease) as of_model:

        def remove(key: str) -> None:
            lease.check()
            of_model.check()
            store.remove(key)

        present, keys = list_keys(store, item)
        if present.objects > item.objects or _used(store, present) > decision.last_use:
            return False
        if is_of_model and not _retire(store, policy, item, of_model):
            return False
        leading = set(filter(leads_to_others, keys))
        for key in sorted(leading):
            remove(key)
        if leading.intersection(list_keys(store, item)[1]):
            return False
        in_parallel(remove, (key for key in keys if key not in leading), "deleting")
    return True


def _used(store: Store, item: Item) -> float:
    """Returns when an item, or what opens its run again, was last written."""
    if not item.run:
        return item.newest
    openers = (f"specs/runs/{item.run}.json", f"evaluations/{item.run}/")
    return max([item.newest, *(one.modified for key in openers for one in store.iterate(key))])


def _retire(store: Store, policy: RetentionPolicy, item: Item, lease: StoreLease) -> bool:
    """Marks an expired version as pruned; returns False where something is needed by now.

    Needs the lease of the model's deployments.

    Raises:
        LeaseLostError: it was lost.
    """
    records = list_versions(store, item.model)
    if item.kind == BUNDLES:
        uri = store.uri(item.name)
        return all(record.pruned or record.bundle.rstrip("/") != uri for record in records)
    production = read_production(store, item.model)
    if item.version in needed_versions(production, records, policy.keep_versions):
        return False
    for record in records:
        if record.version == item.version and not record.pruned:
            lease.check()
            mark_pruned(store, item.model, record)
    return True
