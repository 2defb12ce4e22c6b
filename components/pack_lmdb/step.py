"""pack_lmdb between object stores: a label list and its images → LMDB shards by role."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from components.step_context import StepContext
from ocr_lib.data.archive import open_source
from ocr_lib.data.labels.convert import LABEL_LIST
from ocr_lib.data.lmdb_store import Manifest, pack, pack_split
from ocr_lib.data.roles import SplitRule
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download, download_source, upload
from ocr_lib.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRequest:
    """What to pack.

    Attributes:
        labels: what gen_label handed on; its metadata names the images' source, and says how a
            validation set is split off.
        max_bad_fraction: share of unusable samples of a part at which to give up, 0 to 1.
    """

    labels: tuple[ArtifactRef, ...]
    max_bad_fraction: float = 0.01


def pack_lmdb(context: StepContext, request: PackRequest) -> list[ArtifactRef]:
    """Packs the images that label lists name, one list after the other, and uploads the shards.

    Returns:
        Where the data set of each part and role is.
    """
    packed: list[ArtifactRef] = []
    for number, labels in enumerate(request.labels):
        part_context = context.below(f"part-{number:04d}")
        packed += _pack_part(part_context, labels, request.max_bad_fraction)
        shutil.rmtree(part_context.work_dir)  # source, copy and shards: the next one needs the room
    return packed


def _pack_part(
    context: StepContext, labels: ArtifactRef, max_bad_fraction: float
) -> list[ArtifactRef]:
    """Returns where the data set of each role of a part is: one, or train and validation."""
    facts = labels.metadata
    store, folder = context.store, context.work_dir / facts["name"]
    source, _ = download_source(
        store, facts["source_uri"], facts["source_sha256"], folder / "source"
    )
    files = (
        download(store, labels, folder / "labels") / LABEL_LIST,
        open_source(source, folder / "unpacked"),
    )
    options = {
        "workers": len(os.sched_getaffinity(0)),
        "max_bad_fraction": max_bad_fraction,
        "source_digest": facts["source_sha256"],
    }
    role, out = facts["role"], folder / "lmdb"
    if not facts["split"]:
        packed = {role: pack(*files, out / role, role=role, **options)}
        return [_publish(store, out, packed[role], labels)]
    rule, name = SplitRule.from_dict(facts["split"]), facts["source_uri"].rstrip("/")
    split, packed = pack_split(*files, out, rule, source=name.rpartition("/")[2], **options)
    return [_publish(store, out, manifest, labels, split.kind) for manifest in packed.values()]


def _publish(
    store: Store, out: Path, manifest: Manifest, labels: ArtifactRef, grouped_by: str = ""
) -> ArtifactRef:
    name, role = labels.metadata["name"], manifest.role
    return upload(
        store,
        out / role,
        f"datasets/{name}-{role}/{{digest}}/lmdb",
        name=name,
        role=role,
        split_by=grouped_by,
        source_uri=labels.metadata["source_uri"],
        source_sha256=labels.metadata["source_sha256"],
        samples=manifest.samples,
        dropped=manifest.statistics.dropped_samples,
        excluded=len(manifest.excluded),
        characters=len(manifest.statistics.characters),
        shards=len(manifest.shards),
    )
