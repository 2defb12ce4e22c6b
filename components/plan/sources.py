"""What a source contains, told apart by its listing: without a byte of the data being read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ocr_lib.errors import ConfigError, DataError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True, slots=True)
class DataPart:
    """A piece of a data set that one pod converts and packs.

    Attributes:
        role: `train`, `validation` or `test`.
        name: of the data set in the object store; its role follows.
        uri: folder, tar or zip, in the store or a local path.
        sha256: digest that it must have; empty where none was given.
        version: changes with the content; a cached step depends on it.
        bytes: size of the content.
    """

    role: str
    name: str
    uri: str
    sha256: str
    version: str
    bytes: int

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """Rebuilds what `to_dict` returned; whole numbers come back from KFP as 3.0."""
        return cls(**{**value, "bytes": int(value["bytes"])})

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """A file or object: URI or path, size in bytes, and what changes with its content."""

    uri: str
    bytes: int
    tag: str


def find_parts(store: Store, role: str, name: str, uri: str, sha256: str = "") -> list[DataPart]:
    """Returns the parts of a source: one, or each archive of a folder that holds only archives.

    Raises:
        DataError: there is nothing at the source.
        ConfigError: a digest is given for a folder of archives.
    """
    found = _in_store(store, uri) if "://" in uri else _on_disk(Path(uri))
    if not found:
        raise DataError(uri, "there is nothing", "Check the URI")
    if len(found) == 1 or not all(item.uri.lower().endswith(ARCHIVES) for item in found):
        size = sum(item.bytes for item in found)
        return [DataPart(role, name, uri, sha256, sha256 or _version(found), size)]
    if sha256:
        raise ConfigError(
            f"{role}_data_sha256",
            f"{uri} holds {len(found)} archives, and one digest cannot be of all",
            "Leave it empty: the archives are told apart by the store's own tags",
        )
    return [DataPart(role, name, item.uri, "", _version([item]), item.bytes) for item in found]


def partition_parts(
    parts: Sequence[DataPart], max_pods: int, bytes_per_pod: float
) -> list[list[DataPart]]:
    """Shares parts out among pods: as few as their size allows, each with about the same bytes.

    Args:
        parts: of all roles.
        max_pods: largest number of groups.
        bytes_per_pod: what is worth a pod of its own.
    """
    total = sum(part.bytes for part in parts)
    wanted = max(1, round(total / bytes_per_pod)) if bytes_per_pod > 0 else len(parts)
    groups: list[list[DataPart]] = [[] for _ in range(min(wanted, max(1, max_pods), len(parts)))]
    for part in sorted(parts, key=lambda part: -part.bytes):
        # The fewest parts among equals, for empty parts weigh nothing.
        min(groups, key=lambda group: (sum(p.bytes for p in group), len(group))).append(part)
    return groups


def _in_store(store: Store, uri: str) -> list[ObjectInfo]:
    """Lists an object, or the folder of that name."""
    uri = uri.rstrip("/")
    bucket, _, key = uri.partition("://")[2].partition("/")
    listed = store.list(uri)
    same = [item for item in listed if item.key == key]
    inside = [item for item in listed if item.key.startswith(f"{key}/")]
    return [
        ObjectInfo(f"s3://{bucket}/{item.key}", item.size, item.etag)
        for item in same or inside
        if not item.key.endswith(f"/{MANIFEST_NAME}")
    ]


def _on_disk(path: Path) -> list[ObjectInfo]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [ObjectInfo(str(f), f.stat().st_size, str(f.stat().st_mtime_ns)) for f in files]


def _version(found: Sequence[ObjectInfo]) -> str:
    rows = [[item.uri, item.bytes, item.tag] for item in found]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
