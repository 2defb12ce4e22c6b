"""Packed data sets in the store, for the steps that read them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.gen_label.step import gen_label
from components.pack_lmdb.step import PackRequest, pack_lmdb
from components.step_context import StepContext
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.components.line_images import write_icdar
from tests.components.run_specs import partition


def pack_source(
    store: Store, folder: Path, labels: Sequence[str], **given: Any
) -> list[ArtifactRef]:
    """Draws lines, packs them and uploads the shards of each role; see `partition`."""
    data = partition(store, write_icdar(folder, labels), **given)
    context = StepContext(store, folder.with_name(f"{folder.name}-work"))
    refs, _ = gen_label(context, data)
    return pack_lmdb(context, PackRequest(labels=tuple(refs)))


def pack_lines(store: Store, folder: Path, labels: Sequence[str], role: str = "") -> ArtifactRef:
    """Draws lines, packs them and uploads the shards; the role is the folder's name by default."""
    role = role or folder.name
    if role not in ("train", "validation", "test"):
        role = "train"
    return pack_source(store, folder, labels, role=role)[0]
