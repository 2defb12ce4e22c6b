"""What serves now, and which versions there are: small JSON objects in the store.

`registry/<model>/production.json` is the one object that says which version is in production. It
is changed last, when every server answers with that version, by who holds the model's lease
(`pointer.py`). `registry/<model>/versions/<V>.json` tells which bundle became version V, once and
for all; the bundle's files are in `registry/<model>/bundles/`, where every step of a pipeline may
read them.
"""

import re
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from ocr_lib.errors import ConfigError
from ocr_lib.storage.s3 import ConflictError, DigestError, MissingObjectError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME

MODEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
RESERVED = re.compile(r"(_core|_release\d+_[0-9a-f]{8}(_core)?)$")  # what a model's parts end in
CORE_SUFFIX = "_core"  # of the network behind a model
REPOSITORY = "triton"  # prefix of the model repository in the bucket
MAX_HISTORY = 50
CLAIM_ATTEMPTS = 3  # a holder whose lease ended may write its last just now
MAX_MODELS = 500


Record = TypeVar("Record", "Production", "VersionRecord")


@dataclass(frozen=True)
class Production:
    """The version that serves.

    Attributes:
        model: its name.
        version: number of the version in Triton.
        bundle: URI of the bundle it was built from.
        digest: of the bundle's files.
        history: the versions that served before it, newest last; a rollback leads there.
        time: when it took over, UTC, ISO 8601.
        metrics: what the evaluation said of it.
        generation: how often the right to change it was taken; 0 in files of version 0.1. Says
            nothing of what serves, so it is not compared.
        holder: who took that generation; not compared.
    """

    model: str
    version: int
    bundle: str
    digest: str
    history: list[int]
    time: str
    metrics: dict[str, Any] = field(default_factory=dict)
    generation: int = field(default=0, compare=False)
    holder: str = field(default="", compare=False)

    @property
    def predecessor(self) -> int | None:
        """The version that a rollback leads to; None for the first."""
        return self.history[-1] if self.history else None

    def to_dict(self) -> dict[str, Any]:
        """Returns what `production.json` holds."""
        return {**asdict(self), "predecessor": self.predecessor}


@dataclass(frozen=True)
class VersionRecord:
    """Which bundle a version was built from; its number and digest never change.

    Attributes:
        version: number, from 1 on.
        bundle: URI of the bundle.
        digest: of the bundle's files.
        time: when the number was given, UTC, ISO 8601.
        metrics: what the evaluation said of it.
        pruned: when its files were deleted; "" while they are there.
        forced: why it was deployed although it was not fit to, or not judged against what served;
            "" where it was.
    """

    version: int
    bundle: str
    digest: str
    time: str
    metrics: dict[str, Any] = field(default_factory=dict)
    pruned: str = ""
    forced: str = ""


def is_model_name(name: str) -> bool:
    """Tells whether a name can be a model's, a folder's and an object's."""
    return MODEL_NAME.fullmatch(name) is not None and RESERVED.search(name) is None


def check_model_name(name: str) -> str:
    """Returns a name that can be a model's, a folder's and an object's.

    Raises:
        ConfigError: it cannot.
    """
    if not is_model_name(name):
        raise ConfigError(
            "model",
            f"{name!r} cannot be a model's name",
            "Use letters, digits, - and _, a letter first, and no _core at the end",
        )
    return name


def now() -> str:
    """Returns the time as records carry it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_production(store: Store, model: str) -> Production | None:
    """Returns what serves, or None before the first deployment."""
    return read_versioned(store, model)[0]


def read_versioned(store: Store, model: str) -> tuple[Production | None, str | None]:
    """Returns what serves, and the entity tag that `write_production` wants."""
    key = _production_key(model)
    try:
        value, etag = store.get_versioned(key)
        return _record(Production, value, store.uri(key)), etag
    except MissingObjectError:
        return None, None


def models_in_production(store: Store) -> list[str]:
    """Returns the names of all models of which a version serves.

    Raises:
        ServiceError: the registry has more than `MAX_MODELS` models.
    """
    names = [name for name in store.folders("registry", MAX_MODELS) if is_model_name(name)]
    return [name for name in names if store.exists(_production_key(name))]


def write_production(store: Store, production: Production, etag: str | None) -> str:
    """Makes `production` the version in production; returns the entity tag of the object.

    Raises:
        ConflictError: it changed since it was read.
    """
    return store.replace_json(_production_key(production.model), production.to_dict(), etag)


def claim_production(store: Store, model: str, holder: str) -> tuple[Production | None, str | None]:
    """Takes the next generation of the pointer; needs the lease.

    Whatever a former holder writes from now on is refused by the store.

    Args:
        store: holds the registry.
        model: the model's name.
        holder: tells this claim from others; two equal writes would have one entity tag.

    Returns:
        What serves, and the entity tag that `write_production` wants; None, None where nothing
        serves.

    Raises:
        ConflictError: it is changed all the time by a process without the lease.
    """
    key = _production_key(model)
    for attempt in count(1):
        try:
            value, etag = store.get_versioned(key)
        except MissingObjectError:
            break
        former = _record(Production, value, store.uri(key))
        claim = {**value, "generation": former.generation + 1, "holder": holder}
        try:
            etag = store.replace_json(key, claim, etag)
        except ConflictError:
            if attempt == CLAIM_ATTEMPTS:
                raise
        else:
            return _record(Production, claim, store.uri(key)), etag
    return None, None


def fence_production(store: Store, model: str, holder: str, etag: str) -> tuple[Production, str]:
    """Writes what serves again under another holder: the store refuses later writes on `etag`.

    A store that ignores conditions refuses nothing.

    Args:
        store: holds the registry.
        model: the model's name.
        holder: another one than what is there has, so that the entity tag is another.
        etag: what the object still has to have.

    Returns:
        What serves, and the entity tag that `write_production` wants.

    Raises:
        ConflictError: it was changed.
        UnansweredError: the store does not answer.
    """
    key = _production_key(model)
    value, stored = store.get_versioned(key)
    if stored != etag:
        raise ConflictError(f"{store.uri(key)}: changed by another process. Run it again.")
    fenced = {**value, "holder": holder}
    return _record(Production, fenced, store.uri(key)), store.replace_json(key, fenced, etag)


def promoted(model: str, record: VersionRecord, former: Production | None) -> Production:
    """Returns the pointer for a version that takes over from `former`.

    Going back to a version forgets those that served after it.
    """
    history = [*former.history, former.version] if former else []
    if record.version in history:
        history = history[: history.index(record.version)]
    return Production(
        model,
        record.version,
        record.bundle,
        record.digest,
        history[-MAX_HISTORY:],
        now(),
        record.metrics,
    )


def list_versions(store: Store, model: str) -> list[VersionRecord]:
    """Returns all versions that there are, in the order of their numbers."""
    keys = [item.key for item in store.list(_versions_prefix(model))]
    records = [_record(VersionRecord, store.get_json(key), store.uri(key)) for key in keys]
    return sorted(records, key=lambda record: record.version)


def read_record(store: Store, model: str, version: int) -> VersionRecord | None:
    """Returns what is recorded of one version, or None where nothing is."""
    key = _version_key(model, version)
    try:
        return _record(VersionRecord, store.get_json(key), store.uri(key))
    except MissingObjectError:
        return None


def find_version(store: Store, model: str, version: int) -> VersionRecord:
    """Returns one version.

    Raises:
        ConfigError: there is none of this number.
    """
    versions = list_versions(store, model)
    for record in versions:
        if record.version == version:
            return record
    known = ", ".join(str(record.version) for record in versions) or "none"
    raise ConfigError("version", f"{model} has no version {version}", f"Choose from: {known}")


def bundles_prefix(model: str) -> str:
    """Returns the key prefix of a model's bundles in the registry."""
    return f"registry/{model}/bundles/"


def is_registered(store: Store, model: str, bundle: str) -> bool:
    """Tells whether a bundle's URI is one of the model's bundles in the registry."""
    return bundle.startswith(store.uri(bundles_prefix(model)))


def record_version(
    store: Store, model: str, bundle: str, digest: str, metrics: dict[str, Any], forced: str = ""
) -> VersionRecord:
    """Returns the version of a bundle: the one it has, or the next number. Needs the lease.

    The bundle's place in the registry replaces a recorded folder, a foreign address and a bundle
    that is gone; the reason of this deployment by force, if any, replaces that of an earlier one.
    """
    versions = list_versions(store, model)
    for record in versions:
        if record.digest == digest:
            moves = is_registered(store, model, bundle) and not (
                is_registered(store, model, record.bundle)
                and store.exists(f"{record.bundle}/{MANIFEST_NAME}")
            )
            current = replace(record, forced=forced or record.forced)
            if record.pruned or moves:  # its files come back, or are in the registry now
                current = replace(current, bundle=bundle, pruned="")
            if current != record:
                store.put_json(_version_key(model, record.version), asdict(current))
            return current
    number = versions[-1].version + 1 if versions else 1
    record = VersionRecord(number, bundle, digest, now(), metrics, forced=forced)
    store.replace_json(_version_key(model, number), asdict(record), None)
    return record


def forget_version(store: Store, model: str, version: int) -> None:
    """Deletes what is recorded of a version that never served, so that its number is free again."""
    store.remove(_version_key(model, version))


def mark_pruned(store: Store, model: str, record: VersionRecord) -> None:
    """Says that a version's files are gone. Needs the lease."""
    key = _version_key(model, record.version)
    store.put_json(key, asdict(replace(record, pruned=now())))


def _production_key(model: str) -> str:
    return f"registry/{model}/production.json"


def _version_key(model: str, version: int) -> str:
    return f"{_versions_prefix(model)}{version}.json"


def _versions_prefix(model: str) -> str:
    return f"registry/{model}/versions/"


def _record(kind: type[Record], value: dict[str, Any], where: str) -> Record:
    """Builds a record from JSON; unknown fields, of a later release, are passed over."""
    try:
        return kind(**{f.name: value[f.name] for f in fields(kind) if f.name in value})
    except (KeyError, TypeError) as error:
        raise DigestError(f"{where}: malformed ({error!r}).") from error
