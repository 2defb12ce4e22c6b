"""The manifest of a tree in the object store: name, size and SHA-256 of every file."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ocr_lib.atomic import is_temporary
from ocr_lib.digest import sha256_file
from ocr_lib.errors import DataError
from ocr_lib.storage.s3 import DigestError, StoredObject

MANIFEST_NAME = "tree-manifest.json"
FORMAT = 1
MAX_FILES = 10_000_000
DAMAGED_SUFFIX = ".damaged"  # of the empty object next to one that a reader found damaged
MAX_NAME_BYTES = 900  # S3 allows 1024 bytes in a key, of which the prefix needs some


class FileEntry(NamedTuple):
    """SHA-256 (hex; empty where unknown) and size in bytes of a file."""

    sha256: str
    size: int


Link = tuple[FileEntry, str]  # a file of another tree: what it is, and the key of its object


@dataclass(frozen=True)
class TreeManifest:
    """What a tree holds.

    Attributes:
        files: relative POSIX path → `FileEntry`, in sorted order.
        links: path → key of the object, for files that lie in another tree of the same bucket.
        etags: path → entity tag of the object after its upload, where that is known.
    """

    files: dict[str, FileEntry]
    links: dict[str, str] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of_folder(cls, folder: Path) -> "TreeManifest":
        """Reads every file below `folder`; links, and names the store could not hold, are refused.

        What a writer that was killed left under temporary names is no part of it.

        Raises:
            DataError: the folder is missing, empty, or holds something that is not a plain file.
        """
        if not folder.is_dir():
            raise DataError(str(folder), "no such folder", "Run the step that writes it")
        paths = sorted(
            path
            for path in folder.rglob("*")
            if (path.is_symlink() or not path.is_dir())
            and not any(map(is_temporary, path.relative_to(folder).parts))
        )
        if not paths:
            raise DataError(str(folder), "an empty folder", "Run the step that fills it")
        return cls({_name(path, folder): _entry(path) for path in paths})

    @classmethod
    def from_json(cls, content: bytes, where: str) -> "TreeManifest":
        """Parses and checks a manifest that came from the store.

        Raises:
            DigestError: it is malformed, or names a path outside its own folder.
        """
        try:
            value = json.loads(content)
            files = {
                safe_name(name, where): FileEntry(str(entry["sha256"]), int(entry["size"]))
                for name, entry in value["files"].items()
            }
            links = {
                safe_name(name, where): safe_name(key, where)
                for name, key in value.get("links", {}).items()
            }
            etags = {
                str(name): str(entry["etag"])
                for name, entry in value["files"].items()
                if "etag" in entry
            }
            format_, digest = value["format"], value["digest"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DigestError(f"{where}/{MANIFEST_NAME}: malformed ({error}).") from error
        manifest = cls(dict(sorted(files.items())), links, etags)
        if format_ != FORMAT or digest != manifest.digest or len(files) > MAX_FILES:
            raise DigestError(
                f"{where}/{MANIFEST_NAME}: format or digest is not right. Upload it again."
            )
        return manifest

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files.values())

    @property
    def digest(self) -> str:
        """One digest for names and contents, equal to `ocr_lib.digest.sha256_tree`."""
        digest = hashlib.sha256()
        for name, entry in self.files.items():
            digest.update(f"{name}\0{entry.sha256 or entry.size}\n".encode())
        return digest.hexdigest()

    def key(self, prefix: str, name: str) -> str:
        """Returns the key of a file's object, for a tree below `prefix`."""
        return self.links.get(name) or f"{prefix}/{name}"

    def to_dict(self) -> dict[str, Any]:
        """Returns the form that is written as JSON."""
        links = {"links": self.links} if self.links else {}
        return {
            "format": FORMAT,
            "digest": self.digest,
            "size": self.size,
            "files": {
                name: entry._asdict() | ({"etag": self.etags[name]} if name in self.etags else {})
                for name, entry in self.files.items()
            },
            **links,
        }

    @property
    def unlinked(self) -> list[str]:
        """The files that are not in another tree."""
        return [name for name in self.files if name not in self.links]

    def whole_in(self, objects: Mapping[str, StoredObject]) -> dict[str, FileEntry]:
        """Returns the tree's own files that the store has whole, as far as a listing tells.

        An object is damaged when its size is another, when it was written again since this
        manifest was, or when a reader found it damaged and left a mark next to it.

        Args:
            objects: path → object, of everything below the tree's prefix.
        """

        def is_whole(name: str) -> bool:
            item = objects.get(name)
            return (
                item is not None
                and item.size == self.files[name].size
                and item.etag == self.etags.get(name, item.etag)
                and f"{name}{DAMAGED_SUFFIX}" not in objects
            )

        return {name: self.files[name] for name in self.unlinked if is_whole(name)}

    def missing(self, folder: Path) -> list[str]:
        """Returns the files that `folder` lacks or holds with other content."""
        return [name for name, entry in self.files.items() if not _holds(folder / name, entry)]

    def matches(self, folder: Path) -> bool:
        """Tells whether `folder` holds exactly these files."""
        if not folder.is_dir():
            return False
        names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
        return names == set(self.files) and not self.missing(folder)


def safe_name(name: str, where: str) -> str:
    """Returns a relative POSIX path as it is, or refuses one that leads out of its folder.

    Raises:
        DigestError: the path is absolute, has `..`, a backslash or a control character in it.
    """
    parts = name.split("/")
    if (
        not all(parts)
        or any(part in (".", "..") for part in parts)
        or "\\" in name
        or not _printable(name)
        or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES
    ):
        raise DigestError(f"{where}: {name!r} is not a safe file name. Refused.")
    return name


def _printable(characters: Iterable[str]) -> bool:
    return all(
        ord(c) >= 32 and ord(c) != 127 and not 0xD800 <= ord(c) <= 0xDFFF for c in characters
    )


def _name(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix()
    if path.is_symlink() or not path.is_file():
        raise DataError(str(path), "a link or special file", "Put a plain file there")
    if name == MANIFEST_NAME or name.endswith(DAMAGED_SUFFIX):
        raise DataError(str(path), "a name that the store itself uses", "Rename the file")
    try:
        return safe_name(name, str(folder))
    except DigestError as error:
        raise DataError(str(path), "a name that the store cannot hold", "Rename it") from error


def _entry(path: Path) -> FileEntry:
    return FileEntry(sha256_file(path), path.stat().st_size)


def _holds(path: Path, entry: FileEntry) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != entry.size:
        return False
    return bool(entry.sha256) and sha256_file(path) == entry.sha256
