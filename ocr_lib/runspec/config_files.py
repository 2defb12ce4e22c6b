"""The files that a configuration names: pinned when a run is planned, fetched where they are read.

`plan` copies each to `specs/files/<sha256>` in the object store; the steps read those copies, so
that a file which is changed meanwhile, or is another one in another pod, does not matter.
PaddleOCR's dictionaries that are named, not given as files, are part of the installation: their
digest alone is pinned, and compared where the dictionary is read.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ocr_lib.config import strict_yaml
from ocr_lib.config.characters import DICTIONARY, DIRECTION, LABELS
from ocr_lib.config.schema import Config
from ocr_lib.digest import sha256_file
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.regular_file import open_regular
from ocr_lib.runspec.spec import PinnedFile, canonical_json
from ocr_lib.storage.artifacts import check_digest
from ocr_lib.storage.store import Store
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.text.known_dictionaries import known_content

PREFIX = "specs/files"
FileKind = Literal["dictionary", "numbers", "weights", "checkpoint"]
KeyPath = tuple[str | int, ...]
GLOBAL_KEYS: dict[str, FileKind] = {
    "character_dict_path": "dictionary",
    "pretrained_model": "weights",
    "checkpoints": "checkpoint",
}
PART_KEYS: dict[str, FileKind] = {"pretrained": "weights", "center_file_path": "numbers"}
WEIGHTS, FOLDER_NAME = ".pdparams", "weights"  # the latter in what `ocr import` writes
SUFFIXES = (WEIGHTS, ".pdopt", ".states", ".json")
BESIDE = (DICTIONARY, DIRECTION, "config.yml")  # the characters that weights were trained on
BEGINNINGS = {WEIGHTS: b"\x80", ".pdopt": b"\x80", ".states": b"\x80"}
NUMPY = b"\x93NUMPY"
LONGEST_ENTRY = 16  # characters of a dictionary's line; the longest of PaddleOCR's have seven
# What a pod is given besides data: its environment, devices, tokens.
PRIVATE = tuple(map(Path, ("/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets")))


def named_files(values: dict[str, Any]) -> Iterator[tuple[KeyPath, str, FileKind]]:
    """Yields the keys of a configuration that name files, what they say, and what is there.

    Args:
        values: the configuration as `Config.as_dict` returns it.
    """
    for key, kind in GLOBAL_KEYS.items():
        value = values["Global"].get(key)
        if value and (kind, value) != ("dictionary", LABELS):
            yield ("Global", key), value, kind
    for block in ("Architecture", "Loss"):
        yield from _in_parts((block,), values.get(block))


def without_missing_checkpoint(store: Store, config: Config) -> Config:
    """Unsets `Global.checkpoints` where it is not there and the configuration allows that."""
    settings = config.global_
    if not settings.checkpoints or not settings.fallback_to_pretrained:
        return config
    sources, _ = _weights(store, settings.checkpoints, "checkpoint")
    if _exists(store, sources[0]):
        return config
    return replace(config, global_=replace(settings, checkpoints=None))


def pin_files(store: Store, config: Config, work_dir: Path) -> tuple[PinnedFile, ...]:
    """Copies the files that a configuration names into the object store.

    Args:
        store: where to, and where `s3://` URIs are read from.
        config: the configuration; what it names may be a path here or an `s3://` URI.
        work_dir: for files from the store.

    Raises:
        ConfigError: there is no such file.
        DictionaryError: there is neither such a file nor a dictionary of that name.
    """
    pinned = [
        _pin(store, _dotted(path), uri, kind, work_dir / _dotted(path))
        for path, uri, kind in named_files(config.as_dict())
    ]
    return tuple(file for file in pinned if file)


def fetch_files(store: Store, yaml: str, files: Sequence[PinnedFile], folder: Path) -> str:
    """Downloads pinned files; returns the configuration with their paths here.

    Args:
        store: where they are.
        yaml: the configuration.
        files: of its run, or some of them.
        folder: for the files; what is there already, and unchanged, is not downloaded again.

    Raises:
        DataError: a copy in the store was changed, or a named dictionary is another one here.
    """
    if not files:
        return yaml
    values, _ = strict_yaml.parse(yaml, "the run's configuration")
    paths = {_dotted(path): path for path, _, _ in named_files(values)}
    for file in files:
        if not file.contents:
            _check_named_dictionary(file)
            continue
        for name, digest in file.contents.items():
            path = folder / file.key / name
            if not path.is_file() or sha256_file(path) != digest:
                store.get_file(_object_key(digest), path)
                check_digest(path, digest, store.uri(_object_key(digest)))
        _set(values, paths[file.key], str(folder / file.key / file.path))
    return strict_yaml.dump(values)


def _in_parts(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, str, FileKind]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _in_parts((*path, key), item)
        elif key in PART_KEYS and isinstance(item, str) and item:
            yield (*path, key), item, PART_KEYS[str(key)]


def _pin(store: Store, key: str, uri: str, kind: FileKind, work_dir: Path) -> PinnedFile | None:
    """Copies what one key names; None where this release itself has it."""
    if kind == "dictionary" and not _exists(store, uri):
        return _named_dictionary(key, uri)
    if kind in ("dictionary", "numbers"):
        sources, path = [uri], _name(uri)
    else:
        sources, path = _weights(store, uri, kind)
    if not _exists(store, sources[0]):
        cause = f"{sources[0]} is not there where the run is planned"
        fix = "Check the path, or upload the file to the object store and write its s3:// URI"
        raise ConfigError(key, cause, fix)
    contents, size = {}, 0
    for source in sources:
        local = _local(store, key, source, work_dir)
        _check_form(key, source, local, kind)
        digest = sha256_file(local)
        store.put_file(local, _object_key(digest))
        contents[_name(source)] = digest
        size += local.stat().st_size
    of_all = hashlib.sha256(canonical_json(contents)).hexdigest()
    return PinnedFile(key=key, uri=uri, digest=of_all, bytes=size, path=path, contents=contents)


def _weights(store: Store, uri: str, kind: FileKind) -> tuple[list[str], str]:
    """Returns the files of a checkpoint, its weights first, and the name without suffix."""
    inside = f"{uri.rstrip('/')}/{FOLDER_NAME}"
    stem = next((uri.removesuffix(s) for s in SUFFIXES[:3] if uri.endswith(s)), uri)
    prefix = inside if _exists(store, f"{inside}{WEIGHTS}") else stem
    folder = prefix.rpartition("/")[0]
    more = [f"{prefix}{suffix}" for suffix in SUFFIXES[1:] if kind == "checkpoint"]
    more += [f"{folder}/{name}" if folder else name for name in BESIDE]
    present = [source for source in more if _exists(store, source)]
    return [f"{prefix}{WEIGHTS}", *present], _name(prefix)


def _named_dictionary(key: str, name: str) -> PinnedFile | None:
    content = known_content(name, key)
    if isinstance(content, str):
        return None
    size = content.stat().st_size
    return PinnedFile(key=key, uri=name, digest=sha256_file(content), bytes=size)


def _local(store: Store, key: str, source: str, work_dir: Path) -> Path:
    """Returns a file's path here; one of the object store is downloaded.

    Raises:
        ConfigError: it is a path to what a pod is given besides data.
    """
    if "://" in source:
        return store.get_file(source, work_dir / _name(source))
    file = Path(source)
    if any(file.resolve().is_relative_to(folder) for folder in PRIVATE):
        cause = f"{source} may not be copied"
        raise ConfigError(key, cause, "Upload the file to the object store and write its s3:// URI")
    return file


def _check_form(key: str, source: str, file: Path, kind: FileKind) -> None:
    """Refuses what is no file of its kind: it would be copied to where others read it.

    A configuration comes from who starts a run, and `plan` reads files that they may not, such
    as tokens and variables of its process. No error quotes the file.
    """
    if kind == "dictionary":
        entries = load_dictionary(str(file), where=key).characters
        fits = all(len(entry) <= LONGEST_ENTRY for entry in entries)
    else:
        beginning = NUMPY if kind == "numbers" else BEGINNINGS.get(Path(_name(source)).suffix, b"")
        with open_regular(file) as opened:
            fits = opened.read(len(beginning)) == beginning
    if not fits:
        raise ConfigError(key, f"{source} is no such file", "Name a file of the right format")


def _check_named_dictionary(file: PinnedFile) -> None:
    content = known_content(file.uri, file.key)
    digest = "" if isinstance(content, str) else sha256_file(content)
    if digest != file.digest:
        raise DataError(
            f"{file.key} {file.uri}",
            f"the dictionary of this name has the SHA-256 {digest} here, and had {file.digest} "
            "where the run was planned",
            "Install the same version of the wheel paddleocr, or start a new run",
        )


def _exists(store: Store, uri: str) -> bool:
    if "://" in uri:
        return store.exists(uri)
    with suppress(OSError):  # of a name that is too long for a file
        return Path(uri).is_file()
    return False


def _set(values: Any, path: KeyPath, value: str) -> None:
    *blocks, key = path
    for block in blocks:
        values = values[block]
    values[key] = value


def _name(uri: str) -> str:
    return uri.rpartition("/")[2]


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _object_key(digest: str) -> str:
    return f"{PREFIX}/{digest}"
