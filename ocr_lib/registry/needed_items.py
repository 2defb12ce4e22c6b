"""What must stay: all that kept versions, runs in use and kept data sets lead to.

A document that is kept (a run spec, what a run was judged on, a bundle's description) needs every
address in it that is in this bucket, and everything that is stored under a SHA-256 that it names.
Fields are not looked up by name, so documents of other releases are understood too. What cannot be
read ends the collection: nothing is deleted on half the knowledge.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ocr_lib.inference.bundle import MANIFEST
from ocr_lib.registry.judgement import Judgement
from ocr_lib.registry.lineage import needed_versions
from ocr_lib.registry.production import (
    VersionRecord,
    is_model_name,
    list_versions,
    read_production,
)
from ocr_lib.registry.stored_items import DATASETS, SPECS, VERSIONS, Item, item_of
from ocr_lib.storage.s3 import MissingObjectError, RefusedError
from ocr_lib.storage.store import Store

BY_VERSION = "needed by a version that is kept"
BY_RUN = "needed by a run that is in use"
BY_DATA_SET = "holds shards of a data set that is kept"
_HEX = re.compile(r"[0-9a-f]{64}")
Needed = dict[str, tuple[str, str]]  # name of an item → why it stays, and what needs it


def find_needed(
    store: Store,
    items: Mapping[str, Item],
    keep_versions: int,
    runs_in_use: Collection[str],
    is_kept: Callable[[Item], bool],
) -> Needed:
    """Returns the items that something kept needs.

    Args:
        store: what the items are in.
        items: all of them, by name.
        keep_versions: number of newest versions of a model to keep.
        runs_in_use: ids of the runs that may still go on, or be judged again.
        is_kept: tells whether a data set that nothing needs is kept by its age.

    Raises:
        ServiceError: the store does not answer, or a document is damaged.
        RefusedError: a document may not be read, as that of a bundle outside the registry.
    """
    search = _Search(store, items)
    models = {item_of(name).model or name.split("/")[1] for name in items if _is_of_model(name)}
    for model in sorted(filter(is_model_name, models)):
        search.add_versions(model, keep_versions)
    for run in sorted(runs_in_use):
        search.add_run(run, BY_RUN)
    for item in items.values():
        if item.kind == DATASETS and (item.name in search.needed or is_kept(item)):
            search.add_links(item)
    return search.needed


class _Search:
    def __init__(self, store: Store, items: Mapping[str, Item]) -> None:
        self.needed: Needed = {}
        self._store = store
        self._items = items
        self._address = re.compile(rf"s3://{re.escape(store.bucket)}/(.+)", re.DOTALL)
        self._read: set[str] = set()
        self._of_digest: dict[str, list[str]] = defaultdict(list)
        for name in items:
            for digest in _HEX.findall(name):
                self._of_digest[digest].append(name)

    def add_versions(self, model: str, keep: int) -> None:
        """Adds a model's versions that are kept, with their lineage."""
        production = read_production(self._store, model)
        records = list_versions(self._store, model)
        for version in needed_versions(production, records, keep):
            by = f"version {version} of {model}"
            self._add(f"{VERSIONS}/{model}/{version}", BY_VERSION, by)
            for record in records:
                if record.version == version:
                    self._add_bundle(record.bundle, records, by)
        for record in records:  # a version that still waits for its age needs its bundle, too
            if not record.pruned:
                by = f"version {record.version} of {model}"
                self._add_addresses([record.bundle], BY_VERSION, by)
        if production:  # of a release that kept no records, too
            self._add_bundle(production.bundle, records, f"production of {model}")

    def _add_bundle(self, uri: str, records: list[VersionRecord], by: str) -> None:
        """Adds a bundle with its lineage: run, data sets, run spec, champion."""
        self._add_addresses([uri], BY_VERSION, by)
        if not (match := self._address.fullmatch(uri.rstrip("/"))):
            return  # a folder of the machine that deployed it
        try:
            bundle = self._document(f"{match[1]}/{MANIFEST}")
        except RefusedError as error:
            if match[1].startswith("registry/"):
                raise
            raise RefusedError(
                f"{by}: its bundle is outside the registry, where what it needs cannot be read "
                f"({error}) Run `ocr deploy` with this bundle, or `ocr rollback` to this version: "
                "either moves it into the registry."
            ) from error
        lineage = (bundle or {}).get("lineage") or {}
        self._add_addresses(_texts(lineage), BY_VERSION, by)
        self._add_specs(_texts(lineage), BY_VERSION, by)
        if judgement := Judgement.from_dict(lineage):
            champions = [one.bundle for one in records if one.digest == judgement.digest]
            self._add_addresses(champions, BY_VERSION, by)
        if isinstance(run := lineage.get("run"), str) and run:
            self.add_lineage_run(run, by)

    def add_lineage_run(self, run: str, by: str) -> None:
        """Adds the run of a kept version: what it left, and what it was made of."""
        for folder in ("runs", "predictions", "evaluations"):
            self._add(f"{folder}/{run}", BY_VERSION, by)
        self.add_run(run, BY_VERSION, by)

    def add_run(self, run: str, why: str, by: str = "") -> None:
        """Adds what a run was planned, trained and judged on; its own age keeps what it left."""
        by = by or f"run {run}"
        pointer = f"specs/runs/{run}.json"
        self._add(pointer, why, by)
        if pointer in self._items:
            self._add_specs(_texts(self._document(pointer)), why, by)
        if f"evaluations/{run}" in self._items:
            for name in ("inputs.json", "champion.json"):
                texts = list(_texts(self._document(f"evaluations/{run}/{name}")))
                self._add_addresses(texts, why, by)
                self._add_specs(texts, why, by)

    def add_links(self, item: Item) -> None:
        """Adds the data sets whose shards a data set holds."""
        if item.is_tree and item.name.endswith("/lmdb"):
            for key in self._store.get_manifest(item.name).links.values():
                self._add(item_of(key).name, BY_DATA_SET, item.name)

    def _add_specs(self, texts: Any, why: str, by: str) -> None:
        """Adds the run specs among those digests, with what they name."""
        for text in texts:
            key = f"specs/{text}.json"
            if key in self._items:
                self._add(key, why, by)
                spec = self._document(key) or {}
                self._add_addresses(_texts(spec), why, by)
                config = spec.get("config") or {}
                for digest in _texts(config.get("files") or ()):
                    self._add(f"specs/files/{digest}", why, by)
                yaml = str(config.get("yaml", ""))
                self._add(f"specs/configs/{hashlib.sha256(yaml.encode()).hexdigest()}.yml", why, by)

    def _add_addresses(self, texts: Any, why: str, by: str) -> None:
        """Adds what is at these addresses, or stored under these digests."""
        for text in texts:
            for name in self._of_digest.get(text, ()):
                if self._items[name].kind != SPECS:  # which lead on, see `_add_specs`
                    self._add(name, why, by)
            if match := self._address.fullmatch(text):
                self._add(item_of(f"{match[1].rstrip('/')}/").name, why, by)

    def _add(self, name: str, why: str, by: str) -> None:
        if name in self._items:
            self.needed.setdefault(name, (why, by))

    def _document(self, key: str) -> dict[str, Any] | None:
        """Returns a document once; None where there is none, or it was read before."""
        if key in self._read:
            return None
        self._read.add(key)
        try:
            value = self._store.get_json(key)
        except MissingObjectError:
            return None
        return value if isinstance(value, dict) else None


def _is_of_model(name: str) -> bool:
    return name.startswith(("registry/", f"{VERSIONS}/"))


def _texts(value: Any) -> Iterator[str]:
    """Yields every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
