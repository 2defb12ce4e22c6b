"""Files that a configuration names are those of the run's plan, wherever they are read."""

import ast
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ocr_lib
from ocr_lib.config.loader import load_config, read_config
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError, DataError, DictionaryError
from ocr_lib.runspec.config import resolve_config
from ocr_lib.runspec.config_files import (
    GLOBAL_KEYS,
    PART_KEYS,
    PREFIX,
    PRIVATE,
    fetch_files,
    named_files,
    pin_files,
)
from ocr_lib.runspec.spec import PinnedFile
from ocr_lib.storage.store import Store
from tests.ocr_lib.training.other_networks import DISTILLATION

PICKLE = b"\x80\x04]."
# Named like files of a run, and not read by one: what is written, and what `infer` reads.
NOT_READ = {"save_model_dir", "save_res_path", "save_inference_dir", "model_name"}


def pinned(store: Store, folder: Path, *overrides: str, name: str = "cpu_line") -> Any:
    config = load_config(name, overrides)
    return config.to_yaml(), pin_files(store, config, folder / "plan")


def fetched(store: Store, folder: Path, yaml: str, files: tuple[PinnedFile, ...]) -> Config:
    return read_config(fetch_files(store, yaml, files, folder / "pod"), "config")


def write(path: Path, content: bytes = PICKLE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_dictionary_that_changes_after_the_plan_is_read_as_it_was(
    store: Store, tmp_path: Path
) -> None:
    file = write(tmp_path / "arabic_mine.txt", b"a\nb\n")
    yaml, files = pinned(store, tmp_path, f"Global.character_dict_path={file}")
    assert [(item.key, item.uri, item.bytes) for item in files] == [
        ("Global.character_dict_path", str(file), 4)
    ]
    file.write_bytes(b"c\n")
    _, later = pinned(store, tmp_path, f"Global.character_dict_path={file}")
    assert later[0].digest != files[0].digest
    file.unlink()
    path = Path(str(fetched(store, tmp_path, yaml, files).global_.character_dict_path))
    assert (path.name, path.read_bytes()) == ("arabic_mine.txt", b"a\nb\n")


def test_a_file_that_is_there_is_mended_and_not_downloaded_twice(
    store: Store, tmp_path: Path
) -> None:
    file = write(tmp_path / "mine.txt", b"a\nb\n")
    yaml, files = pinned(store, tmp_path, f"Global.character_dict_path={file}")
    path = Path(str(fetched(store, tmp_path, yaml, files).global_.character_dict_path))
    written = path.stat().st_mtime_ns
    fetched(store, tmp_path, yaml, files)
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"changed")
    fetched(store, tmp_path, yaml, files)
    assert path.read_bytes() == b"a\nb\n"


def test_a_copy_that_was_changed_in_the_store_is_refused(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.txt", b"a\nb of this test\n")
    yaml, files = pinned(store, tmp_path, f"Global.character_dict_path={file}")
    (digest,) = files[0].contents.values()
    store.put_bytes(f"specs/files/{digest}", b"other")
    with pytest.raises(DataError, match=rf"specs/files/{digest}: its SHA-256 is .* changed since"):
        fetched(store, tmp_path, yaml, files)


def test_weights_come_with_the_dictionary_that_they_were_trained_on(
    store: Store, tmp_path: Path
) -> None:
    for name in ("weights.pdparams", "dictionary.txt", "dictionary.json", "photo.png"):
        write(tmp_path / "imported" / name, PICKLE + name.encode())
    for value in ("imported", "imported/weights", "imported/weights.pdparams"):
        yaml, files = pinned(store, tmp_path, f"Global.pretrained_model={tmp_path / value}")
        (file,) = files
        assert list(file.contents) == ["weights.pdparams", "dictionary.txt", "dictionary.json"]
        prefix = Path(str(fetched(store, tmp_path, yaml, files).global_.pretrained_model))
        assert prefix.name == "weights"
        assert {path.name for path in prefix.parent.iterdir()} == set(file.contents)


def test_a_checkpoint_comes_with_its_progress_from_the_store_too(
    store: Store, tmp_path: Path
) -> None:
    names = ("latest.pdparams", "latest.pdopt", "latest.states", "latest.json", "config.yml")
    for name in (*names, "best_accuracy.pdparams"):
        store.put_bytes(f"runs/pinned/{name}", PICKLE)
    uri = store.uri("runs/pinned/latest")
    yaml, files = pinned(store, tmp_path, f"Global.checkpoints={uri}")
    assert tuple(files[0].contents) == names
    prefix = Path(str(fetched(store, tmp_path, yaml, files).global_.checkpoints))
    assert prefix.name == "latest"
    assert prefix.with_suffix(".pdopt").read_bytes() == PICKLE


def test_files_of_networks_and_losses_are_pinned(store: Store, tmp_path: Path) -> None:
    teacher = write(tmp_path / "teacher.pdparams")
    np.save(tmp_path / "centers.npy", np.zeros((3, 2), np.float32))
    config = load_config(DISTILLATION)
    values = config.as_dict()
    values["Architecture"]["Models"]["Teacher"]["pretrained"] = str(teacher)
    values["Loss"]["loss_config_list"].append(
        {"CenterLoss": {"weight": 1.0, "center_file_path": str(tmp_path / "centers.npy")}}
    )
    last = len(values["Loss"]["loss_config_list"]) - 1
    keys = {".".join(map(str, path)): value for path, value, _ in named_files(values)}
    keys.pop("Global.character_dict_path", None)
    assert keys == {
        "Architecture.Models.Teacher.pretrained": str(teacher),
        f"Loss.loss_config_list.{last}.CenterLoss.center_file_path": str(tmp_path / "centers.npy"),
    }
    changed = replace(config, architecture=values["Architecture"])
    files = pin_files(store, changed, tmp_path / "plan")
    again = fetched(store, tmp_path, changed.to_yaml(), files)
    local = Path(again.architecture["Models"]["Teacher"]["pretrained"])
    assert (local.name, local.with_suffix(".pdparams").read_bytes()) == ("teacher", PICKLE)


def test_a_named_dictionary_has_to_be_the_same_where_it_is_read(
    store: Store, tmp_path: Path
) -> None:
    yaml, files = pinned(store, tmp_path, "Global.character_dict_path=french")
    assert (files[0].uri, files[0].contents) == ("french", {})
    assert fetched(store, tmp_path, yaml, files).global_.character_dict_path == "french"
    other = (replace(files[0], digest="ab" * 32),)
    with pytest.raises(DataError, match=r"character_dict_path french: the dictionary of this name"):
        fetched(store, tmp_path, yaml, other)


@pytest.mark.parametrize("value", ["en", "labels", "null"])
def test_dictionaries_of_the_release_and_of_the_labels_are_no_files(
    store: Store, tmp_path: Path, value: str
) -> None:
    yaml, files = pinned(store, tmp_path, f"Global.character_dict_path={value}")
    assert files == ()
    assert fetch_files(store, yaml, files, tmp_path) == yaml


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("Global.character_dict_path", DictionaryError, "character_dict_path no/such: there is no"),
        ("Global.pretrained_model", ConfigError, "pretrained_model: no/such.pdparams is not there"),
        ("Global.checkpoints", ConfigError, "Global.checkpoints: no/such.pdparams is not there"),
    ],
)
def test_what_is_not_there_is_named_when_the_run_is_planned(
    store: Store, tmp_path: Path, key: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pinned(store, tmp_path, f"{key}=no/such")


def test_a_file_that_is_no_weights_is_not_copied_into_the_store(
    store: Store, tmp_path: Path
) -> None:
    secret = write(tmp_path / "token.pdparams", b"a secret")
    with pytest.raises(ConfigError, match=r"token\.pdparams is no such file"):
        pinned(store, tmp_path, f"Global.pretrained_model={secret}")


@pytest.mark.parametrize("key", ["Global.character_dict_path", "Global.pretrained_model"])
def test_variables_of_the_process_are_not_copied_into_the_store(
    store: Store, tmp_path: Path, key: str
) -> None:
    link = tmp_path / "characters.pdparams"
    link.symlink_to("/proc/self/environ")
    before = store.list(PREFIX)
    with pytest.raises(ConfigError, match=rf"{key}: \S+ may not be copied"):
        pinned(store, tmp_path, f"{key}={link}")
    assert store.list(PREFIX) == before


def test_files_of_the_store_may_be_downloaded_to_memory(store: Store) -> None:
    """A pod's TMPDIR may be /dev/shm or /run/user: what is downloaded is no file of the pod."""
    store.put_bytes("configs/of_this_test.txt", b"a\nb\n")
    uri = store.uri("configs/of_this_test.txt")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        _, files = pinned(store, Path(memory), f"Global.character_dict_path={uri}")
    assert [(item.uri, item.bytes) for item in files] == [(uri, 4)]


@pytest.mark.parametrize(
    ("path", "private"),
    [
        ("/run/secrets/account/token", True),
        ("/var/run/secrets/account/token", True),
        ("/run/media/user/disk/characters.txt", False),
        ("/run/user/1000/characters.txt", False),
    ],
)
def test_tokens_are_private_and_mounted_disks_are_not(path: str, private: bool) -> None:
    assert any(Path(path).is_relative_to(folder) for folder in PRIVATE) is private


def test_a_text_that_is_no_dictionary_is_not_copied_into_the_store(
    store: Store, tmp_path: Path
) -> None:
    token = write(tmp_path / "token", b"eyJhbGciOiJSUzI1NiIsImtpZCI6\n")
    before = store.list(PREFIX)
    with pytest.raises(ConfigError, match="is no such file") as refused:
        pinned(store, tmp_path, f"Global.character_dict_path={token}")
    assert "eyJ" not in str(refused.value)
    assert store.list(PREFIX) == before


def test_a_run_is_resolved_with_the_files_and_without_what_it_does_not_read(
    store: Store, tmp_path: Path
) -> None:
    overrides = [
        f"Global.pretrained_model={tmp_path / 'gone'}",
        f"Global.checkpoints={tmp_path / 'gone'}",
        "Global.fallback_to_pretrained=true",
    ]
    config = resolve_config(store, "cpu_line", overrides, 0.0, tmp_path, has_weights=True)
    settings = read_config(config.yaml, "config").global_
    assert (settings.pretrained_model, settings.checkpoints, config.files) == (None, None, ())
    file = write(tmp_path / "mine.txt", b"a\n")
    key = f"Global.character_dict_path={file}"
    one = resolve_config(store, "cpu_line", [key], 0.0, tmp_path)
    file.write_bytes(b"b\n")
    other = resolve_config(store, "cpu_line", [key], 0.0, tmp_path)
    assert (one.yaml, one.digest) == (other.yaml, other.digest)
    assert one.content_digest != other.content_digest


def test_every_key_that_names_a_file_is_known() -> None:
    """Fields of the blocks and of the parts, by their names."""
    names = re.compile(r"(?:^|_)(?:path|file|pretrained|model|checkpoints?)(?:$|_(?:dir|path)$)")
    root = Path(ocr_lib.__file__).parent
    parts = [
        path for folder in ("models", "losses", "optim") for path in (root / folder).rglob("*.py")
    ]
    keys = {
        node.target.id
        for path in (root / "config" / "global_block.py", *parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and names.search(node.target.id)
        and "str" in ast.unparse(node.annotation)
    }
    assert keys - NOT_READ == GLOBAL_KEYS.keys() | PART_KEYS.keys()
