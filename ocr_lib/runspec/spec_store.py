"""Run specs in the object store: `specs/<sha256>.json`, and one pointer for each run.

A spec is named by its digest, which is checked whenever it is read. A run's pointer,
`specs/runs/<run>.json`, is only ever created: the first `plan` of a run decides, and a repeated one
adopts what it finds. On a store that ignores conditional writes, two at the same instant are told
apart by reading the pointer after it was written.
"""

import hashlib
import json
import re
from typing import Any

from ocr_lib.config.location import SourceLocation
from ocr_lib.errors import ConfigError
from ocr_lib.runspec.spec import RunSpec, parse
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3 import ConflictError, DigestError, MissingObjectError
from ocr_lib.storage.store import Store

PREFIX = "specs"
CONFIGS = f"{PREFIX}/configs"  # by digest: cached steps go by the configuration alone
MAX_BYTES = 4 << 20  # a source is about 200 bytes, a configuration 10,000
MAX_POINTER_BYTES = 4096
RESTORE = "Run the plan step again, which restores it, or start a new run."
MEND = "Delete this object and start a new run."
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def save_spec(store: Store, spec: RunSpec) -> ArtifactRef:
    """Writes a spec and its configuration; returns where the spec is.

    Where they are there they are written again: their age is the time since their last use.
    """
    config, key = f"{CONFIGS}/{spec.config.digest}.yml", f"{PREFIX}/{spec.digest}.json"
    for name, content in ((config, spec.config.yaml.encode()), (key, spec.to_json())):
        store.put_bytes(name, content)
    return ArtifactRef(store.uri(key), spec.digest, {"model_name": spec.model_name})


def load_spec(store: Store, digest: str) -> RunSpec:
    """Reads a spec.

    Raises:
        ConfigError: `digest` is not one, or the document does not hold together.
        MissingObjectError: there is no such spec.
        DigestError: the object was damaged or replaced.
    """
    content, key = _content(store, PREFIX, digest, ".json"), f"{PREFIX}/{digest}.json"
    return parse(_json(store, key, content), SourceLocation((), {(): store.uri(key)}))


def load_config_yaml(store: Store, digest: str) -> str:
    """Reads the configuration of a spec by its digest; raises as `load_spec` does."""
    return _content(store, CONFIGS, digest, ".yml").decode()


def pin_spec(store: Store, run: str, spec: RunSpec) -> RunSpec:
    """Makes a spec that of a run, unless the run has one; returns the spec that the run has.

    Raises:
        ConfigError: `run` cannot name a run.
    """
    key = _pointer(run)
    save_spec(store, spec)
    try:
        store.replace_json(key, {"spec": spec.digest}, None)
    except ConflictError:
        if not store.exists(key):
            raise
    return find_spec(store, run) or spec


def find_spec(store: Store, run: str) -> RunSpec | None:
    """Returns the spec of a run; None where the run has none.

    Raises:
        ConfigError: `run` cannot name a run.
        DigestError: the pointer or the spec was damaged or replaced.
    """
    key = _pointer(run)
    try:
        pointer = _json(store, key, store.get_bytes(key, MAX_POINTER_BYTES))
    except MissingObjectError:
        return None
    digest = pointer.get("spec") if isinstance(pointer, dict) else None
    if not isinstance(digest, str):
        raise DigestError(f"{store.uri(key)}: not a pointer to a run spec. {MEND}")
    return load_spec(store, digest)


def open_spec(store: Store, name: str) -> RunSpec:
    """Returns the spec that a person names: by its run, or by its own digest.

    Raises:
        ConfigError: there is none of that name.
    """
    try:
        spec = load_spec(store, name) if _DIGEST.fullmatch(name) else find_spec(store, name)
    except MissingObjectError:
        spec = None
    if spec is None:
        fix = "Give the id of a run that was planned, as `ocr pipeline status` lists them"
        raise ConfigError(name, "no run spec of that name in the object store", fix)
    return spec


def _content(store: Store, folder: str, digest: str, suffix: str) -> bytes:
    """Returns what is stored under its digest, checked."""
    if not _DIGEST.fullmatch(digest):
        raise ConfigError("run spec", f"{digest!r} is not a SHA-256", "Give 64 hexadecimal digits")
    key = f"{folder}/{digest}{suffix}"
    content = store.get_bytes(key, MAX_BYTES)
    actual = hashlib.sha256(content).hexdigest()
    if actual != digest:
        cause = f"its SHA-256 is {actual}: damaged or replaced"
        raise DigestError(f"{store.uri(key)}: {cause}. {RESTORE}")
    return content


def _json(store: Store, key: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise DigestError(f"{store.uri(key)}: not JSON ({error}). {MEND}") from None


def check_run(run: str) -> str:
    """Returns what can name a run: its id, or the digest of its spec.

    Raises:
        ConfigError: it cannot.
    """
    if not _RUN.fullmatch(run):
        raise ConfigError("run", f"{run!r} cannot name a run", "Give a run's id")
    return run


def _pointer(run: str) -> str:
    return f"{PREFIX}/runs/{check_run(run)}.json"
