"""What is in the bucket, in items that are kept or deleted as a whole."""

import re
from dataclasses import dataclass, replace

from ocr_lib.registry.production import RESERVED
from ocr_lib.storage.s3 import StoredObject
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME

VERSIONS, BUNDLES, EVALUATIONS, PREDICTIONS = "versions", "bundles", "evaluations", "predictions"
RUNS, SPECS, DATASETS, FEEDBACK, SOURCES = "runs", "specs", "datasets", "feedback", "sources"
TEMPORARY, UPLOADS = "temporary", "uploads"
DECISIONS, RECORDS, OTHER = "decisions", "records", "other"

# Folders of the bucket that the pipeline writes; `kfp/` is Kubeflow's.
FOLDERS = (
    *("datasets/", "decisions/", "evaluations/", "feedback/", "leases/probe/", "predictions/"),
    *("registry/", "runs/", "sources/", "specs/", "triton/"),
)
_DIGEST = "[0-9a-f]{64}"
_PATTERNS = [
    (kind, re.compile(pattern))
    for kind, pattern in {
        DATASETS: rf"(datasets/[^/]+/{_DIGEST}/(?:labels|lmdb))/",
        RUNS: r"(runs/(?P<run>[^/]+))/",
        PREDICTIONS: r"(predictions/(?P<run>[^/]+))/",
        EVALUATIONS: r"(evaluations/(?P<run>[^/]+))/",
        SPECS: rf"(specs/(?:{_DIGEST}\.json|configs/{_DIGEST}\.yml|files/{_DIGEST}"
        r"|runs/(?P<run>[^/]+)\.json))/?$",
        BUNDLES: rf"(registry/(?P<model>[^/]+)/bundles/{_DIGEST})/",
        RECORDS: r"(registry/[^/]+/(?:production|versions/\d+)\.json)/?$",
        FEEDBACK: r"(feedback/[^/]+/\d{4}-\d\d-\d\d)/",
        SOURCES: r"(sources/[^/]+)",
        DECISIONS: r"(decisions/[^/]+)/",
        TEMPORARY: r"(leases/probe/[^/]+)$",
    }.items()
]
_VERSION = re.compile(
    r"(?:triton/(?P<model>[^/]+?)(?:_core)?|registry/(?P<of>[^/]+)/golden)/(?P<version>\d+)/"
)


@dataclass(frozen=True, slots=True)
class Item:
    """Objects that are kept or deleted together.

    Attributes:
        kind: one of the constants of this module.
        name: its key or prefix; of a version `versions/<model>/<number>`.
        run: the run that it belongs to; "" for none.
        model: the model that it belongs to; "" for none.
        objects: number of objects.
        bytes: of those.
        newest: when the newest of them was written, epoch s by the store's clock.
        is_tree: whether a manifest says what it holds.
    """

    kind: str
    name: str
    run: str = ""
    model: str = ""
    objects: int = 0
    bytes: int = 0
    newest: float = 0.0
    is_tree: bool = False

    @property
    def version(self) -> int:
        """The number of a version."""
        return int(self.name.rpartition("/")[2])

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What its keys begin with; other items' keys may as well where a source is a file."""
        if self.kind in (SPECS, RECORDS, TEMPORARY, SOURCES, OTHER):
            return (self.name,)
        if self.kind != VERSIONS:
            return (f"{self.name}/",)
        number = self.name.rpartition("/")[2]
        return (
            f"triton/{self.model}/{number}/",
            f"triton/{self.model}_core/{number}/",
            f"registry/{self.model}/golden/{number}/",
        )

    def with_object(self, stored: StoredObject) -> "Item":
        """Returns the item with one object more."""
        return replace(
            self,
            objects=self.objects + 1,
            bytes=self.bytes + stored.size,
            newest=max(self.newest, stored.modified),
            is_tree=self.is_tree or stored.key.endswith(f"/{MANIFEST_NAME}"),
        )


def item_of(key: str) -> Item:
    """Returns the item that an object belongs to, or that a folder is, without its contents."""
    for kind, pattern in _PATTERNS:
        if match := pattern.match(key):
            names = match.groupdict()
            return Item(kind, match[1], names.get("run") or "", names.get("model") or "")
    match = _VERSION.match(key)
    model = match and (match["model"] or match["of"])
    if match and model and not RESERVED.search(model):
        return Item(VERSIONS, f"versions/{model}/{match['version']}", "", model)
    return Item(OTHER, key.partition("/")[0] + "/")


def list_items(store: Store) -> dict[str, Item]:
    """Returns all items by name. Holds one record for each, and none for its objects."""
    items: dict[str, Item] = {}
    for folder in FOLDERS:
        for stored in store.iterate(folder):
            item = item_of(stored.key)
            items[item.name] = items.get(item.name, item).with_object(stored)
    return items


def list_keys(store: Store, item: Item) -> tuple[Item, list[str]]:
    """Returns an item as it is now, and its keys; see `leads_to_others`."""
    now = replace(item, objects=0, bytes=0, newest=0.0, is_tree=False)
    keys = []
    for prefix in item.prefixes:
        for stored in store.iterate(prefix):
            if item_of(stored.key).name == item.name:
                keys.append(stored.key)
                now = now.with_object(stored)
    return now, sorted(keys)


def leads_to_others(key: str) -> bool:
    """Tells whether readers find an item's other objects by this one."""
    return key.endswith((f"/{MANIFEST_NAME}", "/inputs.json"))
