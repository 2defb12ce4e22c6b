"""Trees that hold files of other trees: only what is new is uploaded, nothing is copied."""

from collections.abc import Mapping
from pathlib import Path

from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME, FileEntry, TreeManifest

Link = tuple[FileEntry, str]  # a file of another tree: what it is, and the key of its object


def link_tree(store: Store, folder: Path, links: Mapping[str, Link], prefix: str) -> str:
    """Uploads a folder as a tree together with files of other trees, which stay where they are.

    The other trees must be kept as long as this one.

    Args:
        store: with the other trees in its bucket.
        folder: the tree's own files.
        links: path in the new tree → what it is, and its key.
        prefix: of the new tree; `{digest}` in it stands for the digest of its content.

    Returns:
        The URI of the tree.
    """
    added = TreeManifest.of_folder(folder)
    files = added.files | {name: entry for name, (entry, _) in links.items()}
    keys = {name: key for name, (_, key) in sorted(links.items())}
    manifest = TreeManifest(dict(sorted(files.items())), keys)
    key = prefix.format(digest=manifest.digest)
    for name in added.files:
        store.put_file(folder / name, f"{key}/{name}")
    store.put_json(f"{key}/{MANIFEST_NAME}", manifest.to_dict())
    return store.uri(key)
