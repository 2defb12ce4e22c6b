"""Packed data sets in the store, for the steps that read them."""

from collections.abc import Sequence
from pathlib import Path

from components.gen_label.step import Source, gen_label
from components.pack_lmdb.step import pack_lmdb
from components.step_context import StepContext
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.components.line_images import write_icdar


def pack_lines(store: Store, folder: Path, labels: Sequence[str], role: str = "") -> ArtifactRef:
    """Draws lines, packs them and uploads the shards; the role is the folder's name by default."""
    source = Source("lines", str(write_icdar(folder, labels)), role=role or folder.name)
    context = StepContext(store, folder.with_name(f"{folder.name}-work"))
    return pack_lmdb(context, gen_label(context, source)[0])[0]
