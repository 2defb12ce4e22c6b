"""The parts that several pods packed become train, validation and test; no shard is copied."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.step_context import StepContext
from ocr_lib.data.lmdb_store import merge
from ocr_lib.data.lmdb_store.manifest import MANIFEST, SAMPLES
from ocr_lib.data.lmdb_store.read import read_checksums
from ocr_lib.data.roles import BLOCK, TEST, TRAIN, VALIDATION, unfit_split
from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import Link, TreeManifest

HOW_TO_SPLIT = (
    "Give a validation set of your own (validation_data_uri), more samples, or another "
    "document_pattern, seed or share in options.split"
)
GROUPS = {
    "document": "whole documents",
    "folder": "whole folders",
    "block": f"blocks of {BLOCK} consecutive labels, since the images are in one folder: lines of "
    "one document may be on both sides, unless a document_pattern in options.split names it",
}


@dataclass(frozen=True, slots=True)
class Sets:
    """The three sets.

    Attributes:
        train: what is learnt from.
        validation: what chooses the checkpoint; None where there is no such set.
        test: what decides.
        note: how validation came about, or why there is none.
    """

    train: ArtifactRef
    validation: ArtifactRef | None
    test: ArtifactRef
    note: str


def join_sets(context: StepContext, packed: Sequence[ArtifactRef]) -> Sets:
    """Joins the parts of each role, whichever pod packed which.

    Training images that are also in a validation set that was split off are left out. A set that
    is too small or too large to be split off goes back to train.

    Args:
        context: of the step; its working directory need not exist.
        packed: pointers to the parts of all roles.

    Raises:
        DataError: a role has no part.
    """
    parts = {
        role: [pointer for pointer in packed if pointer.metadata["role"] == role]
        for role in (TRAIN, VALIDATION, TEST)
    }
    split_by = sorted({str(p.metadata["split_by"]) for p in parts[TRAIN] + parts[VALIDATION]})
    for role in (TRAIN, TEST):
        if not parts[role] and not (role == TRAIN and any(split_by)):
            raise DataError(role, "no part of this role was packed", "Run the packing again")
    joining = _Joining(context.store, context.work_dir)
    test = joining.join(parts[TEST], TEST)
    if not any(split_by):
        train, given = joining.join(parts[TRAIN], TRAIN), parts[VALIDATION]
        if not given:
            return Sets(train, None, test, f"No validation set was asked for. {HOW_TO_SPLIT}.")
        validation = joining.join(given, VALIDATION)
        return Sets(train, validation, test, "The validation set is one of its own.")
    groups = "; ".join(GROUPS[kind] for kind in split_by if kind)
    return joining.split(parts[TRAIN], parts[VALIDATION], test, groups)


@dataclass(frozen=True)
class _Joining:
    """Parts in the store on their way into joined data sets there."""

    store: Store
    work: Path
    fetched: dict[str, tuple[Path, TreeManifest]] = field(default_factory=dict)

    def split(
        self,
        train: Sequence[ArtifactRef],
        validation: Sequence[ArtifactRef],
        test: ArtifactRef,
        groups: str,
    ) -> Sets:
        """Returns the three sets where validation was split off train, or was to be."""
        sizes = [sum(int(p.metadata["samples"]) for p in parts) for parts in (train, validation)]
        reason = unfit_split(*sizes)
        if not reason:
            checksums = [read_checksums(self.fetch(part)[0]) for part in validation]
            joined = self.join(train, TRAIN, np.concatenate(checksums))
            chosen = self.join(validation, VALIDATION)
            taken, excluded = int(chosen.metadata["samples"]), int(joined.metadata["excluded"])
            reason = unfit_split(int(joined.metadata["samples"]), taken)
        if reason:
            everything = self.join([*train, *validation], TRAIN)
            note = f"No validation set: {reason}. All samples are learnt from. {HOW_TO_SPLIT}."
            return Sets(everything, None, test, note)
        note = f"{taken:,} of {sum(sizes):,} samples were split off for validation by {groups}."
        if excluded:
            note += f" {excluded:,} training images were left out: they are in validation as well."
        return Sets(joined, chosen, test, note)

    def join(
        self, parts: Sequence[ArtifactRef], role: str, without: NDArray[np.uint64] | None = None
    ) -> ArtifactRef:
        """Returns one data set of all parts; a single one of this role is returned as it is.

        Only manifests and sample tables are fetched, and only a manifest is written.

        Args:
            parts: in any order.
            role: of the data set.
            without: checksums of images to leave out; a single part has left them out already.
        """
        parts = sorted(parts, key=lambda p: (str(p.metadata["source_uri"]), p.metadata["role"]))
        if len(parts) == 1 and parts[0].metadata["role"] == role:
            return parts[0]
        folders, trees = zip(*map(self.fetch, parts), strict=True)
        out = self.work / f"joined-{len(list(self.work.glob('joined-*')))}"
        out.mkdir(parents=True)
        manifest, places = merge(folders, out, role=role, without=without)
        links: dict[str, Link] = {}
        for name, (number, shard) in places.items():
            prefix = parts[number].uri.removeprefix(self.store.uri(""))
            for file in next(s.files for s in manifest.shards if s.name == name):
                entry = trees[number].files[f"{shard}/{file}"]
                links[f"{name}/{file}"] = entry, trees[number].key(prefix, f"{shard}/{file}")
        name = str(parts[0].metadata["name"])
        uri = self.store.put_linked_tree(out, links, f"datasets/{name}-{role}/{{digest}}/lmdb")
        return ArtifactRef(
            uri,
            self.store.get_manifest(uri).digest,
            {
                "name": name,
                "role": role,
                "parts": len(parts),
                "samples": manifest.samples,
                "dropped": manifest.statistics.dropped_samples,
                "excluded": len(manifest.excluded),
                "characters": len(manifest.statistics.characters),
                "shards": len(manifest.shards),
            },
        )

    def fetch(self, part: ArtifactRef) -> tuple[Path, TreeManifest]:
        """Fetches what is small of a part, once."""
        if part.uri not in self.fetched:
            folder = self.work / f"part-{len(self.fetched):04d}"
            self.fetched[part.uri] = folder, self.store.get_files(part.uri, folder, _is_small)
        return self.fetched[part.uri]


def _is_small(name: str) -> bool:
    return Path(name).name in (MANIFEST, SAMPLES)
