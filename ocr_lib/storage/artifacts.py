"""How steps hand folders on: upload under a key that is the content's digest, fetch with checks.

A key made of the content's digest makes every step repeatable: the second attempt finds what the
first one uploaded, and two runs on the same data share it.
"""

from pathlib import Path
from typing import Any

from ocr_lib.digest import sha256_file, sha256_tree
from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import TreeManifest


def upload(store: Store, folder: Path, key: str, **metadata: Any) -> ArtifactRef:
    """Uploads a folder and returns where it lies.

    Args:
        store: where to.
        folder: what to hand on.
        key: object key of the folder; `{digest}` in it stands for the digest of the content.
        metadata: counts and names for readers of the reference.
    """
    manifest = TreeManifest.of_folder(folder)
    uri = store.put_tree(folder, key.format(digest=manifest.digest), manifest)
    return ArtifactRef(uri, manifest.digest, metadata)


def download(store: Store, pointer: ArtifactRef, folder: Path) -> Path:
    """Downloads what `upload` uploaded to `folder`, with every file checked.

    Raises:
        DataError: it is something else now.
    """
    store.get_tree(pointer.uri, folder)
    check_digest(folder, pointer.digest, pointer.uri)
    return folder


def download_source(store: Store, uri: str, sha256: str, folder: Path) -> tuple[Path, str]:
    """Fetches a data set as the user has it; returns its path on this machine and its digest.

    Args:
        store: what `s3://` URIs are in.
        uri: a file or folder in the object store, or a local path.
        sha256: the digest it must have; empty where none is known.
        folder: where to put what comes from the store.
    """
    path = store.fetch_source(uri, folder)
    return path, check_digest(path, sha256, uri)


def check_digest(path: Path, expected: str, where: str) -> str:
    """Returns the digest of a file or folder.

    Raises:
        DataError: it is not the expected one.
    """
    digest = sha256_tree(path) if path.is_dir() else sha256_file(path)
    if expected and digest != expected:
        raise DataError(
            where,
            f"its SHA-256 is {digest}, not {expected}: it was changed since",
            "Restore it, or start a new run for what is there now",
        )
    return digest
