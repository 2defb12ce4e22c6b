"""What a source contains, known by its listing: not a byte of the data is read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.digest import sha256_file, sha256_tree
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.runspec.spec import PinnedSource, canonical_json
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import DAMAGED_SUFFIX, MANIFEST_NAME

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """A file or object: URI or path, size in bytes, and what changes with its content."""

    uri: str
    bytes: int
    tag: str


def pin_sources(store: Store, role: str, uri: str, sha256: str = "") -> tuple[PinnedSource, ...]:
    """Pins a source: as it is, or each archive of a folder that holds only archives.

    Args:
        store: where an `s3://` URI is.
        role: of the samples, for errors.
        uri: a folder, tar or zip, in the store or a local path.
        sha256: digest that its content must have; empty where none is known.

    Raises:
        DataError: there is nothing at the source.
        ConfigError: a digest is given for a folder of archives.
    """
    listed = _listing(store, uri)
    is_object = [item.uri for item in listed] == [uri.rstrip("/")]
    if is_object or not all(item.uri.lower().endswith(ARCHIVES) for item in listed):
        if sha256:
            size = sum(item.bytes for item in listed)
            return (PinnedSource(uri=uri, digest=sha256, of="content", bytes=size),)
        return (_pinned(uri, listed),)
    if sha256 and len(listed) == 1:
        uri, size = listed[0].uri, listed[0].bytes
        return (PinnedSource(uri=uri, digest=sha256, of="content", bytes=size),)
    if sha256:
        raise ConfigError(
            f"options.sha256.{role}",
            f"{uri} holds {len(listed)} archives, and one digest cannot be of all",
            "Leave it empty: the archives are told apart by the store's own tags",
        )
    return tuple(_pinned(item.uri, [item]) for item in listed)


def pin_weights(store: Store, uri: str, work_dir: Path) -> PinnedSource:
    """Pins weights, a file or a folder, by their content: they are small enough to be read.

    Args:
        store: where an `s3://` URI is.
        uri: of the weights.
        work_dir: for a copy of them.

    Raises:
        DataError: there is nothing at the URI.
    """
    path = store.fetch_source(uri, work_dir / "pretrained")
    digest = sha256_tree(path) if path.is_dir() else sha256_file(path)
    size = sum(item.bytes for item in _on_disk(path))
    return PinnedSource(uri=uri, digest=digest, of="content", bytes=size)


def check_listing(store: Store, source: PinnedSource) -> None:
    """Checks that a source still lists what it listed when it was pinned.

    One that is pinned by its content is not looked at: its content is checked where it is read.

    Raises:
        DataError: it was changed since.
    """
    if source.of == "listing" and _pinned(source.uri, _listing(store, source.uri)) != source:
        raise DataError(
            source.uri,
            "it was changed since this run was planned",
            "Restore it, or start a new run for what is there now",
        )


def _pinned(uri: str, listed: Sequence[ObjectInfo]) -> PinnedSource:
    rows = [[item.uri, item.bytes, item.tag] for item in listed]
    digest = hashlib.sha256(canonical_json(rows)).hexdigest()
    return PinnedSource(
        uri=uri, digest=digest, of="listing", bytes=sum(item.bytes for item in listed)
    )


def _listing(store: Store, uri: str) -> list[ObjectInfo]:
    listed = _in_store(store, uri) if "://" in uri else _on_disk(Path(uri))
    if not listed:
        raise DataError(uri, "there is nothing", "Check the URI")
    return listed


def _in_store(store: Store, uri: str) -> list[ObjectInfo]:
    """Lists an object, or the folder of that name, without what `fetch_source` leaves out."""
    uri = uri.rstrip("/")
    bucket, _, key = uri.partition("://")[2].partition("/")
    listed = store.list(uri)
    same = [item for item in listed if item.key == key]
    inside = [item for item in listed if item.key.startswith(f"{key}/")]
    return [
        ObjectInfo(f"s3://{bucket}/{item.key}", item.size, item.etag)
        for item in same or inside
        if not item.key.endswith((f"/{MANIFEST_NAME}", DAMAGED_SUFFIX))
        and (item.size or not item.key.endswith("/"))
    ]


def _on_disk(path: Path) -> list[ObjectInfo]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [ObjectInfo(str(f), f.stat().st_size, str(f.stat().st_mtime_ns)) for f in files]
