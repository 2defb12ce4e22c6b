"""The object store through which the steps hand data on.

A *tree* is a folder in the store: its files and a manifest with the size and SHA-256 of each,
written last. A prefix without a manifest is not a tree, so a half-uploaded one is never read.

Stores differ in whether they honour conditional writes (`If-Match`): some ignore the header in
silence. Unless the store was found to honour them, `replace_json` therefore compares before it
writes as well; `store_lease` keeps two writers apart on every store.
"""

import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocr_lib.atomic import locked, recover, remove_abandoned
from ocr_lib.errors import ConfigError, DataError, ServiceError
from ocr_lib.settings import Settings
from ocr_lib.storage.s3 import (
    ConflictError,
    DigestError,
    MissingObjectError,
    S3Client,
    StoredObject,
)
from ocr_lib.storage.transfer import (
    check_room,
    in_parallel,
    put_in_place,
    remove_foreign_files,
)
from ocr_lib.storage.tree_manifest import (
    DAMAGED_SUFFIX,
    MANIFEST_NAME,
    FileEntry,
    Link,
    TreeManifest,
    safe_name,
)

log = logging.getLogger(__name__)
MAX_JSON_BYTES = 4 << 20
MAX_MANIFEST_BYTES = 1 << 30  # a file takes some 200 bytes of it
MAX_TREE_BYTES = 1 << 40
UPLOADS = 3  # of what another process deletes meanwhile


class Store:
    """One bucket of an S3 endpoint; a name is a key in that bucket or an `s3://bucket/key` URI.

    Args:
        client: the endpoint.
        bucket: the bucket that plain keys are in.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self.client = client
        self.bucket = bucket
        self._honours: bool | None = None
        self._probing = threading.Lock()

    @classmethod
    def from_env(cls, *, timeout_s: float = 30.0) -> "Store":
        """Builds the store that the environment names; for entry points.

        Raises:
            ConfigError: one of the store's variables is unset or malformed, see `Settings`.
        """
        settings = Settings.from_env()
        endpoint = settings.required("s3_endpoint").rstrip("/")
        if not _is_endpoint(endpoint):
            raise ConfigError(
                "OCR_S3_ENDPOINT", f"{endpoint!r} is not an endpoint", "Give http://host:port"
            )
        region = settings.s3_region
        if not re.fullmatch(r"[\w-]+", region):
            raise ConfigError("AWS_DEFAULT_REGION", f"{region!r} is no region", "Try us-east-1")
        bucket = settings.required("s3_bucket")
        client = S3Client(
            endpoint,
            settings.required("s3_access_key"),
            settings.required("s3_secret_key"),
            region,
            timeout_s=timeout_s,
            ca_file=settings.ca_file,
        )
        return cls(client, check_bucket(bucket, "OCR_S3_BUCKET"))

    def with_timeout(self, timeout_s: float) -> "Store":
        """Returns the same store, whose calls end after a few times `timeout_s`."""
        store = Store(self.client.with_timeout(timeout_s), self.bucket)
        store._honours = self._honours
        return store

    def __repr__(self) -> str:
        return f"Store({self.client.endpoint}, bucket={self.bucket!r})"

    def uri(self, key: str) -> str:
        """Returns the `s3://` URI of a key of this bucket."""
        return f"s3://{self.bucket}/{key}"

    def exists(self, name: str) -> bool:
        """Tells whether there is an object of exactly this name."""
        return self.client.stat(*self._locate(name)) is not None

    def list(self, prefix: str) -> list[StoredObject]:
        """Returns the objects whose keys start with `prefix`, in the order of keys."""
        return list(self.iterate(prefix))

    def iterate(self, prefix: str) -> Iterator[StoredObject]:
        """Yields what `list` returns, page by page, for who does not need all of it."""
        return self.client.list(*self._locate(prefix))

    def folders(self, prefix: str, most: int) -> tuple[str, ...]:
        """Returns the names of the folders right below `prefix`, in the order of keys.

        Raises:
            ServiceError: there are more than `most` of them.
        """
        return self.client.folders(*self._locate(f"{prefix.rstrip('/')}/"), most)

    def remove(self, name: str) -> None:
        """Deletes one object; one that is not there is no error."""
        self.client.remove(*self._locate(name))

    def put_file(self, path: Path, name: str) -> str:
        """Uploads one file and returns its URI."""
        bucket, key = self._locate(name)
        self.client.put_file(bucket, key, path)
        return f"s3://{bucket}/{key}"

    def get_file(self, name: str, path: Path) -> Path:
        """Downloads one object to `path`, which appears whole or not at all."""
        bucket, key = self._locate(name)
        stored = self.client.stat(bucket, key)
        if stored is None:
            raise MissingObjectError(f"s3://{bucket}/{key}: no such object. Check the URI.")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.client.get_file(bucket, key, path, stored.size, "")
        return path

    def get_end(self, name: str, max_bytes: int) -> bytes:
        """Returns the last `max_bytes` of an object, or all of a smaller one.

        Raises:
            MissingObjectError: there is none.
        """
        bucket, key = self._locate(name)
        stored = self.client.stat(bucket, key)
        if stored is None:
            raise MissingObjectError(f"s3://{bucket}/{key}: no such object. Check the URI.")
        return self.client.get_end(bucket, key, stored.size, max_bytes)

    def get_bytes(self, name: str, max_bytes: int) -> bytes:
        """Returns the content of an object.

        Raises:
            MissingObjectError: there is none.
            DigestError: it is larger than `max_bytes`.
        """
        return self.client.get(*self._locate(name), max_bytes)[0]

    def put_bytes(self, name: str, content: bytes) -> str:
        """Writes one object, whatever was there before; returns its entity tag."""
        return self.client.put(*self._locate(name), content)

    def put_json(self, name: str, value: Any) -> str:
        """Writes an object as JSON, whatever was there before; returns its entity tag."""
        return self.client.put(*self._locate(name), _json(value))

    def get_json(self, name: str) -> Any:
        """Reads an object that holds JSON.

        Raises:
            MissingObjectError: there is none.
        """
        return self.get_versioned(name)[0]

    def get_versioned(self, name: str) -> tuple[Any, str]:
        """Reads JSON with the entity tag that `replace_json` wants."""
        content, etag = self.client.get(*self._locate(name), MAX_JSON_BYTES)
        try:
            return json.loads(content), etag
        except ValueError as error:
            raise DigestError(f"{name}: not JSON ({error}). Write it again.") from error

    def replace_json(self, name: str, value: Any, etag: str | None) -> str:
        """Writes JSON only where the object is unchanged since it was read.

        Args:
            name: key or URI.
            value: what to write.
            etag: the tag that `get_versioned` returned; None when there must be no object yet.

        Raises:
            ConflictError: another process changed the object meanwhile.
        """
        bucket, key = self._locate(name)
        if not self._honours:
            stored = self.client.stat(bucket, key)
            if (stored.etag if stored else None) != etag:
                uri = f"s3://{bucket}/{key}"
                raise ConflictError(f"{uri}: changed by another process. Run it again.")
        return self.client.put_if(bucket, key, _json(value), etag)

    def age_s(self, name: str) -> float | None:
        """Returns the age of an object in seconds, by the store's clock; None where none is."""
        return self.client.age_s(*self._locate(name))

    def honours_conditions(self, prefix: str) -> bool:
        """Tells whether the store evaluates conditions of writes; probed once, with one warning.

        Args:
            prefix: where an object may be made for it; ends in a slash.
        """
        with self._probing:
            if self._honours is None:
                key = f"{prefix}{secrets.token_hex(8)}"
                self._honours = self.client.honours_conditions(self.bucket, key)
                if not self._honours:
                    log.warning(
                        "%s ignores conditional writes: leases are kept by listing instead. "
                        "For production, use a store that honours If-Match and If-None-Match.",
                        self.client.endpoint,
                    )
            return self._honours

    def put_tree(self, folder: Path, prefix: str, manifest: TreeManifest | None = None) -> str:
        """Uploads a folder as a tree and returns its URI; what is already there stays.

        Files go up in parallel, the manifest last. A tree with other content under the same prefix
        loses its manifest first, so that a mixture is never read. Objects that the listing shows to
        be damaged are replaced, see `TreeManifest.whole_in`; nothing is read for it.
        Where nothing is to be sent the manifest is written again: its age is the time since the
        tree was last used. What a collection of garbage deletes meanwhile is sent again.

        Args:
            folder: what to upload.
            prefix: of the tree.
            manifest: of the folder, where the caller has made it already.

        Raises:
            ServiceError: objects of the tree are deleted again and again.
        """
        return self._put_tree(folder, manifest or TreeManifest.of_folder(folder), prefix)

    def put_linked_tree(self, folder: Path, links: Mapping[str, Link], prefix: str) -> str:
        """Uploads a folder as a tree together with files of other trees, which stay where they are.

        The other trees must be kept as long as this one.

        Args:
            folder: the tree's own files.
            links: path in the new tree → what it is, and the key of its object in this bucket.
            prefix: of the new tree; `{digest}` in it stands for the digest of its content.

        Returns:
            The URI of the tree.
        """
        files = TreeManifest.of_folder(folder).files
        files |= {name: entry for name, (entry, _) in links.items()}
        keys = {name: key for name, (_, key) in sorted(links.items())}
        manifest = TreeManifest(dict(sorted(files.items())), keys)
        return self._put_tree(folder, manifest, prefix.format(digest=manifest.digest))

    def _put_tree(self, folder: Path, manifest: TreeManifest, prefix: str) -> str:
        bucket, key = self._locate(prefix.rstrip("/"))
        uri, objects = f"s3://{bucket}/{key}", self._objects(bucket, key)
        former = self._former_manifest(bucket, key, objects)
        whole = former.whole_in(objects) if former else {}
        missing = [name for name in manifest.unlinked if whole.get(name) != manifest.files[name]]
        if former != manifest and MANIFEST_NAME in objects:
            self.client.remove(bucket, f"{key}/{MANIFEST_NAME}")
        for _ in range(UPLOADS):
            in_parallel(
                lambda name: self.client.put_file(bucket, f"{key}/{name}", folder / name),
                missing,
                "uploading",
            )
            for name in missing:
                if f"{name}{DAMAGED_SUFFIX}" in objects:
                    self.client.remove(bucket, f"{key}/{name}{DAMAGED_SUFFIX}")
            stored = self._objects(bucket, key)
            if missing := [name for name in manifest.unlinked if name not in stored]:
                continue
            etags = {name: stored[name].etag for name in manifest.unlinked}
            content = _json(replace(manifest, etags=etags).to_dict())
            self.client.put(bucket, f"{key}/{MANIFEST_NAME}", content)
            stored = self._objects(bucket, key)
            missing = [name for name in manifest.unlinked if name not in stored]
            if not missing and MANIFEST_NAME in stored:
                return uri
        raise ServiceError(
            f"{uri}: another process deletes its objects while they are uploaded. Wait until that "
            "is done, then run this again."
        )

    def find_tree(self, prefix: str) -> TreeManifest | None:
        """Returns the manifest of a tree that is whole, as far as a listing tells; else None.

        A step that finds its result in the store asks this before it relies on it: `put_tree`
        repairs what isn't whole.
        """
        bucket, key = self._locate(prefix.rstrip("/"))
        objects = self._objects(bucket, key)
        manifest = self._former_manifest(bucket, key, objects)
        if manifest is None or len(manifest.whole_in(objects)) < len(manifest.unlinked):
            return None
        return manifest

    def _objects(self, bucket: str, key: str) -> dict[str, StoredObject]:
        """Returns what is below a tree's prefix, by its path."""
        listing = self.client.list(bucket, f"{key}/")
        return {item.key[len(key) + 1 :]: item for item in listing}

    def _former_manifest(
        self, bucket: str, key: str, objects: Mapping[str, StoredObject]
    ) -> TreeManifest | None:
        """Returns the manifest in a listing; None where there is none, or a damaged one."""
        try:
            return self._manifest(bucket, key) if MANIFEST_NAME in objects else None
        except (MissingObjectError, DigestError):
            return None

    def get_manifest(self, uri: str) -> TreeManifest:
        """Returns the manifest of a tree: its digest, and the size and SHA-256 of each file.

        Raises:
            MissingObjectError: there is no complete tree.
        """
        return self._manifest(*self._locate(uri.rstrip("/")))

    def get_tree(self, uri: str, folder: Path, *, max_bytes: int = MAX_TREE_BYTES) -> Path:
        """Downloads a tree to `folder`, which appears only when every file has its digest.

        Files come down in parallel. An interrupted download is taken up again where it stopped;
        a folder that already holds the tree is left alone, one with other content is replaced.

        Raises:
            MissingObjectError: there is no complete tree.
            DigestError: a file is not what the manifest says.
            DataError: the tree is larger than `max_bytes` or than the free disk.
        """
        bucket, key = self._locate(uri.rstrip("/"))
        return self._download(bucket, key, self._manifest(bucket, key), folder, max_bytes)

    def get_files(self, uri: str, folder: Path, is_needed: Callable[[str], bool]) -> TreeManifest:
        """Downloads some files of a tree, each with its digest; returns the whole manifest.

        Raises:
            MissingObjectError: there is no complete tree.
            DigestError: a file is not what the manifest says.
        """
        bucket, key = self._locate(uri.rstrip("/"))
        manifest = self._manifest(bucket, key)
        some = {name: entry for name, entry in manifest.files.items() if is_needed(name)}
        links = {name: key for name, key in manifest.links.items() if name in some}
        self._download(bucket, key, TreeManifest(some, links), folder, MAX_TREE_BYTES)
        return manifest

    def fetch_source(self, source: str, folder: Path) -> Path:
        """Makes a source of data a local path: an `s3://` tree, folder or object, or a local path.

        A folder in the store that was not written by `put_tree` has no manifest; sizes are then
        all that can be checked. Empty objects that stand for a folder, as consoles make them, are
        left out. An object is put below `folder` under its own name.

        Raises:
            DataError: there is nothing at `source`.
        """
        if "://" not in source:
            if not Path(source).exists():
                raise DataError(source, "no such file or folder", "Check the path")
            return Path(source)
        bucket, key = self._locate(source.rstrip("/"))
        if self.client.stat(bucket, key) is not None:
            return self.get_file(source, folder / Path(safe_name(key, source)).name)
        if self.client.stat(bucket, f"{key}/{MANIFEST_NAME}") is not None:
            return self.get_tree(source, folder)
        stored = {
            item.key[len(key) + 1 :]: item
            for item in self.client.list(bucket, f"{key}/")
            if item.size or not item.key.endswith("/")
        }
        if not stored:
            raise DataError(source, "nothing in the store under this name", "Check the URI")
        files = {safe_name(name, source): FileEntry("", item.size) for name, item in stored.items()}
        return self._download(bucket, key, TreeManifest(files), folder, MAX_TREE_BYTES)

    def _download(
        self, bucket: str, key: str, manifest: TreeManifest, folder: Path, max_bytes: int
    ) -> Path:
        work = folder.with_name(f".{folder.name}.{manifest.digest[:12]}.partial")
        recover(folder)
        if manifest.matches(folder):
            remove_abandoned(work)  # of a process that was killed when it had replaced the folder
            return folder
        work.mkdir(parents=True, exist_ok=True)
        with locked(work):
            self._fill(bucket, key, manifest, work, max_bytes)
            put_in_place(work, folder)
        return folder

    def _fill(
        self, bucket: str, key: str, manifest: TreeManifest, work: Path, max_bytes: int
    ) -> None:
        """Downloads what a folder lacks of a tree."""
        remove_foreign_files(manifest, work)
        missing = manifest.missing(work)
        check_room(f"s3://{bucket}/{key}", manifest, missing, work, max_bytes)
        for name in missing:
            (work / name).parent.mkdir(parents=True, exist_ok=True)

        def fetch(name: str) -> None:
            entry, source = manifest.files[name], manifest.key(key, name)
            try:
                self.client.get_file(bucket, source, work / name, entry.size, entry.sha256)
            except DigestError as error:
                step = "It was changed meanwhile: run this again."  # in a folder without digests
                if entry.sha256:
                    step = self._mark_damaged(bucket, source)
                raise DigestError(f"{error} {step}") from error

        in_parallel(fetch, missing, "downloading")

    def _mark_damaged(self, bucket: str, key: str) -> str:
        """Leaves a mark for the next upload next to a damaged object; returns what to do."""
        try:
            self.client.put(bucket, f"{key}{DAMAGED_SUFFIX}", b"")
        except ServiceError:  # a reader need not have the right
            step = "Delete this object with a key that may, then run the step that writes it again"
        else:
            step = "Run the step that writes it again: that replaces the object"
        if key.startswith("datasets/"):  # whose steps an orchestrator's cache may keep from running
            step += ", or start a run with another options.dataset_name where it is cached"
        return f"{step}."

    def _manifest(self, bucket: str, key: str) -> TreeManifest:
        name = f"s3://{bucket}/{key}"
        try:
            content, _ = self.client.get(bucket, f"{key}/{MANIFEST_NAME}", MAX_MANIFEST_BYTES)
        except MissingObjectError as error:
            raise MissingObjectError(
                f"{name} at {self.client.endpoint}: no complete upload there (no {MANIFEST_NAME}). "
                "Run the step that writes it."
            ) from error
        return TreeManifest.from_json(content, name)

    def _locate(self, name: str) -> tuple[str, str]:
        """Splits a URI, or a key of this bucket, into bucket and key."""
        if "://" not in name:
            return self.bucket, name.lstrip("/")
        scheme, _, rest = name.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket or not key:
            raise ConfigError(name, "not an object's address", "Give s3://bucket/key or a path")
        return check_bucket(bucket, name), key


def check_bucket(name: str, where: str = "bucket") -> str:
    """Returns a name that a bucket can have.

    Args:
        name: to check.
        where: the argument, variable or address that it came from, for errors.

    Raises:
        ConfigError: it cannot. Source: naming rules of Amazon S3, with the capitals, underscores
            and colons of buckets that are older than them.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:_-]{1,61}[A-Za-z0-9]", name) or ".." in name:
        cause = f"{name!r} cannot be a bucket's name"
        raise ConfigError(where, cause, "Use 3 to 63 lower-case letters, digits, dots and hyphens")
    return name


def _is_endpoint(text: str) -> bool:
    """Tells whether a text is http://host:port, without a path, a user or a query."""
    match = re.fullmatch(r"https?://([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", text)
    return match is not None and int(match[2] or 80) <= 65_535


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
