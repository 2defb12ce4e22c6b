"""Checkpoints in PaddleOCR's three files, complete or not there.

`<prefix>.pdparams` (weights), `<prefix>.pdopt` (optimiser) and `<prefix>.states` (progress) belong
together, but three files cannot be renamed at once. `<prefix>.json` names the set that counts by
size and SHA-256, and works as a journal: the new files are written under temporary names, then
the manifest, then they are moved into place. Loading first moves what a crash left behind.

Source: file names and contents as PaddleOCR ppocr/utils/save_load.py writes them; there `.states`
is unpickled without checks and the step is not restored.
"""

import json
import logging
import math
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocr_lib.atomic import atomic_file, recover_all, write_json
from ocr_lib.digest import sha256_file
from ocr_lib.errors import CheckpointError
from ocr_lib.regular_file import read_bounded
from ocr_lib.training import safe_pickle

log = logging.getLogger(__name__)
SUFFIXES = (".pdparams", ".pdopt", ".states")
BEST, LATEST, PREVIOUS = "best_accuracy", "latest", "previous"
IMPORTED = "weights"  # their name in a folder that `ocr import` wrote
NAME_TABLE = "StructuredToParameterName@@"  # paddle.save's own key: layer's name → tensor's name
TRAINED = "trained_weights"  # in `.pdopt`: structured name → the weights that training goes on with
MAX_MANIFEST_BYTES = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """What one checkpoint holds, as plain data.

    Attributes:
        params: structured name → array, and paddle's table of tensor names.
        optimizer: tensor name and accumulator → array; empty before the first update too.
        states: progress: epoch, global_step, best_model_dict, …; empty if there is no `.states`.
        has_optimizer: whether there is a `.pdopt`, so that a run can go on from here.
    """

    params: dict[str, Any]
    optimizer: dict[str, Any]
    states: dict[str, Any]
    has_optimizer: bool = True


def save(
    prefix: Path,
    params: Mapping[str, Any],
    optimizer: dict[str, Any],
    states: dict[str, Any],
    previous: Path | None = None,
) -> None:
    """Writes the three files and their manifest.

    Args:
        prefix: path without suffix, e.g. `run/latest`.
        params: a layer's `state_dict()`.
        optimizer: an optimiser's `state_dict()`.
        states: plain Python values only.
        previous: the prefix under which the checkpoint that is replaced stays, if it is intact;
            None keeps none. That it cannot stay is a warning.
    """
    contents = (_arrays(params, with_names=True), _arrays(optimizer), states)
    files = {}
    for suffix, content in zip(SUFFIXES, contents, strict=True):
        path = _staged(prefix, suffix)
        with atomic_file(path) as file:
            pickle.dump(content, file, protocol=2 if suffix == ".states" else 4)
        files[suffix] = {"size": path.stat().st_size, "sha256": sha256_file(path)}
    former = read_bounded(_manifest(prefix)) if previous and is_intact(prefix) else None
    is_kept = previous is None or former is None or _link_as(prefix, previous)
    write_json(_manifest(prefix), {"files": files, "global_step": states.get("global_step")})
    if previous is not None and former is not None and not is_kept:
        _move_to(previous, prefix, json.loads(former))
    _publish(prefix, files)


def load(prefix: Path) -> Checkpoint:
    """Reads a checkpoint; one with a manifest is checked against it.

    Raises:
        CheckpointError: a file is missing, damaged, holds something else, or is not of this
            checkpoint.
    """
    prefix = without_suffix(prefix)
    if _manifest(prefix).exists():
        _publish(prefix, _read_manifest(prefix))
    params, optimizer, states = (prefix.with_name(prefix.name + suffix) for suffix in SUFFIXES)
    return Checkpoint(
        _arrays_in(safe_pickle.load(params), str(params)),
        _named_values(optimizer) if optimizer.exists() else {},
        _named_values(states) if states.exists() else {},
        has_optimizer=optimizer.exists(),
    )


def recover(run_dir: Path) -> None:
    """Completes the saves into a run directory that were killed, or removes what they left.

    Files that a manifest names are moved into place, all others that were staged go. For the
    process that writes there, before it does.
    """
    recover_all(run_dir)
    for staged in run_dir.glob(".*.new"):
        final = staged.with_name(staged.name[1 : -len(".new")])
        prefix = final.with_suffix("")
        if final.suffix not in SUFFIXES or staged != _staged(prefix, final.suffix):
            continue
        files = _manifest_or_none(prefix)
        if files and sha256_file(staged) == files[final.suffix]["sha256"]:
            staged.replace(final)
        else:
            staged.unlink()


def exists(prefix: Path) -> bool:
    """Tells whether a complete checkpoint of ours is at `prefix`."""
    return _manifest(prefix).exists()


def is_intact(prefix: Path) -> bool:
    """Tells whether all files of a checkpoint of ours are in place and those of its manifest."""
    files = _manifest_or_none(prefix)
    paths = {suffix: prefix.with_name(prefix.name + suffix) for suffix in SUFFIXES}
    return files is not None and all(
        path.exists() and sha256_file(path) == files[suffix]["sha256"]
        for suffix, path in paths.items()
    )


def newest_first(run_dir: Path) -> list[Path]:
    """Returns the prefixes of the checkpoints of ours in a run directory, by their steps.

    Of equal steps `latest` comes first and `best_accuracy` last: that one is written before the
    epoch's time is counted. Where a manifest gives no step, `latest` and `previous` may be the
    newest and come first, others come last.
    """
    manifests = [
        path
        for path in sorted(run_dir.glob("*.json"))
        if _manifest_or_none(path.with_suffix("")) or _has_files(path.with_suffix(""))
    ]
    return [path.with_suffix("") for path in sorted(manifests, key=_resume_order)]


def _resume_order(manifest: Path) -> tuple[float, int]:
    """Returns the sort key of `newest_first`: by step, descending, then by name."""
    rank = {LATEST: 0, PREVIOUS: 1, BEST: 3}.get(manifest.stem, 2)
    step = _step_of(manifest)
    if step is None:
        step = math.inf if manifest.stem in (LATEST, PREVIOUS) else -math.inf
    return -step, rank


def is_complete(prefix: Path) -> bool:
    """Tells whether a checkpoint, of ours or of PaddleOCR, is at `prefix`."""
    return exists(prefix) or prefix.with_name(prefix.name + SUFFIXES[0]).exists()


def remove(prefix: Path) -> None:
    """Deletes a checkpoint: the manifest first, so that no half of it counts."""
    _manifest(prefix).unlink(missing_ok=True)
    for suffix in SUFFIXES:
        prefix.with_name(prefix.name + suffix).unlink(missing_ok=True)


def without_suffix(path: str | Path) -> Path:
    """Returns the prefix of a checkpoint named by one of its files, or of an import's folder."""
    path = Path(path)
    if (path / f"{IMPORTED}.pdparams").exists():
        return path / IMPORTED
    return path.with_suffix("") if path.suffix in SUFFIXES else path


def digest(prefix: Path) -> str:
    """Returns the SHA-256 of the weights file of a checkpoint."""
    return sha256_file(f"{without_suffix(prefix)}{SUFFIXES[0]}")


def _publish(prefix: Path, files: dict[str, dict[str, Any]]) -> None:
    """Moves staged files into place, then checks the set; safe to repeat after a crash."""
    for suffix, facts in files.items():
        staged, final = _staged(prefix, suffix), prefix.with_name(prefix.name + suffix)
        if staged.exists() and sha256_file(staged) == facts["sha256"]:
            staged.replace(final)
        elif not final.exists() or sha256_file(final) != facts["sha256"]:
            raise CheckpointError(
                str(final),
                "missing, or not the file its manifest names",
                "Restore it, or delete the checkpoint's .json and use another one",
            )


def _link_as(prefix: Path, other: Path) -> bool:
    """Gives a checkpoint a second name, its manifest last; takes no room until it is replaced.

    Returns:
        False where it cannot: some file systems have no links.
    """
    try:
        remove(other)
        for suffix in (*SUFFIXES, ".json"):
            os.link(prefix.with_name(prefix.name + suffix), other.with_name(other.name + suffix))
    except OSError:
        return False
    return True


def _move_to(other: Path, prefix: Path, manifest: dict[str, Any]) -> None:
    """Moves a checkpoint's files, which staged ones are about to replace, to another name.

    For after the manifest of the new ones was written: they count from then on, whatever happens
    here. A copy would take room that the disk may not have.

    Args:
        other: the new prefix.
        prefix: the present one.
        manifest: what it had been.
    """
    try:
        remove(other)
        for suffix in SUFFIXES:
            source, target = (path.with_name(path.name + suffix) for path in (prefix, other))
            source.replace(target)
        write_json(_manifest(other), manifest)
    except OSError as error:
        log.warning(
            "%s: the checkpoint before %s was not kept (%s). Training goes on.",
            other,
            prefix,
            error,
        )


def _has_files(prefix: Path) -> bool:
    return any(prefix.with_name(prefix.name + suffix).exists() for suffix in SUFFIXES)


def _step_of(manifest: Path) -> float | None:
    """Returns the step that a manifest gives; None where it gives none that is finite."""
    try:
        with manifest.open("rb") as file:
            step = float(json.loads(file.read(MAX_MANIFEST_BYTES))["global_step"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return step if math.isfinite(step) else None


def _manifest_or_none(prefix: Path) -> dict[str, dict[str, Any]] | None:
    """Returns what the manifest names; None where there is none, or a damaged one."""
    try:
        return _read_manifest(prefix) if exists(prefix) else None
    except CheckpointError:
        return None


def _read_manifest(prefix: Path) -> dict[str, dict[str, Any]]:
    path = _manifest(prefix)
    try:
        with path.open("rb") as file:
            files: dict[str, dict[str, Any]] = json.loads(file.read(MAX_MANIFEST_BYTES))["files"]
        if set(files) != set(SUFFIXES):
            raise ValueError(f"it does not name {', '.join(SUFFIXES)}")
        return {suffix: {"sha256": str(files[suffix]["sha256"])} for suffix in SUFFIXES}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            str(path), f"not a checkpoint's manifest ({error})", "Restore the file"
        ) from error


def _named_values(path: Path) -> dict[str, Any]:
    values = safe_pickle.load(path)
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise CheckpointError(str(path), "holds no values by name", "Use a checkpoint's file")
    if TRAINED in values:
        values[TRAINED] = _arrays_in(values[TRAINED], f"{path}: {TRAINED}")
    return values


def _arrays_in(values: Any, where: str) -> dict[str, Any]:
    """Returns weights as they are, once it is sure that they are arrays by name."""
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise CheckpointError(where, "holds no arrays by name", "Use a checkpoint's .pdparams")
    for name, value in values.items():
        if name == NAME_TABLE:
            fine = isinstance(value, dict) and all(
                isinstance(text, str) for pair in value.items() for text in pair
            )
        else:
            fine = isinstance(value, np.ndarray | np.generic)
        if not fine:
            cause = f"{name} is a {type(value).__name__}, not an array"
            raise CheckpointError(where, cause, "Use a checkpoint's .pdparams")
    return values


def _manifest(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + ".json")


def _staged(prefix: Path, suffix: str) -> Path:
    return prefix.with_name(f".{prefix.name}{suffix}.new")


def _arrays(values: Mapping[str, Any], with_names: bool = False) -> dict[str, Any]:
    """Turns tensors into arrays, as paddle.save does; adds paddle's table of names on request."""
    arrays = {
        name: np.asarray(v.numpy()) if hasattr(v, "numpy") else v for name, v in values.items()
    }
    if with_names:
        arrays[NAME_TABLE] = {name: v.name for name, v in values.items() if hasattr(v, "name")}
    return arrays
