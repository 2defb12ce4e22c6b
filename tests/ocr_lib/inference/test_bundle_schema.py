"""Bundles from anywhere: whatever is in them, one class of error says which file and key."""

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_lib.digest import sha256_file
from ocr_lib.inference.bundle import Bundle, BundleError
from ocr_lib.inference.bundle_schema import (
    MAX_CHARACTERS,
    MAX_DICTIONARY_BYTES,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
)
from ocr_lib.inference.runtimes import open_bundle
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

Keys = tuple[str | int, ...]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("schema") / "tiny")


@pytest.fixture
def root(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "bundle"))


def manifest(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "bundle.json").read_text("utf-8")))


def write(root: Path, info: object) -> None:
    (root / "bundle.json").write_text(json.dumps(info), "utf-8")


def change(info: Any, keys: Keys, value: object) -> None:
    for key in keys[:-1]:
        info = info[key]
    if value is REMOVED:
        del info[keys[-1]]
    else:
        info[keys[-1]] = value


REMOVED = object()
WRONG: list[tuple[Keys, object, str]] = [
    (("format",), REMOVED, "format: the key is missing"),
    (("format",), True, "format: format True"),
    (("model_name",), 5, "model_name: 5 is not a text"),
    (("model_name",), "a\nb", r"model_name: 'a\\nb' is not a text"),
    (("decoder",), None, "decoder: None is not a text"),
    (("decoder",), "abacus", "decoder: the algorithm is 'abacus'"),
    (("metrics",), 5, "metrics: 5 is not a mapping"),
    (("lineage",), "run", "lineage: 'run' is not a mapping"),
    (("files",), [], r"files: \[\] is not a mapping"),
    (("files",), {}, r"files\.dictionary\.txt: the key is missing"),
    (("files", "model.onnx"), REMOVED, r"files\.model\.onnx: the key is missing"),
    (("files", "model.onnx"), None, r"files\.model\.onnx: None is not a mapping"),
    (("files", "model.onnx", "size"), REMOVED, r"files\.model\.onnx\.size: the key is missing"),
    (("files", "model.onnx", "size"), -1, r"files\.model\.onnx\.size: -1 is not a whole"),
    (("files", "model.onnx", "size"), 1 << 50, r"model\.onnx\.size: \d+ is not a whole"),
    (("files", "model.onnx", "size"), 1.0, r"files\.model\.onnx\.size: 1\.0 is not a whole"),
    (("files", "model.onnx", "sha256"), "AB", r"files\.model\.onnx\.sha256: 'AB' is not a SHA"),
    (("files", "/etc/passwd"), {"size": 0}, "files: '/etc/passwd' is not a path inside"),
    (("files", "a/../../b"), {"size": 0}, r"files: 'a/\.\./\.\./b' is not a path inside"),
    (("files", "a\0b"), {"size": 0}, r"files: 'a\\x00b' is not a path inside"),
    (("files", "\ud800"), {"size": 0}, r"files: '\\ud800' is not a path inside"),
    (("files", "a" * 1000), {"size": 0}, r"files: 'a+\.\.\.a+' is not a path inside"),
    (("files", "bundle.json"), {"size": 0}, r"files: 'bundle\.json' is not a path inside"),
    (("preprocess",), None, "preprocess: None is not a mapping"),
    (("preprocess", "height"), REMOVED, r"preprocess\.height: the key is missing"),
    (("preprocess", "height"), "tall", r"preprocess\.height: 'tall' is not a whole number from 1"),
    (("preprocess", "height"), 10**9, r"preprocess\.height: 1000000000 is not a whole"),
    (("preprocess", "height"), True, r"preprocess\.height: True is not a whole"),
    (("preprocess", "buckets"), 5, r"preprocess\.buckets: 5 is not a list"),
    (("preprocess", "buckets"), [64, 10**9], r"preprocess\.buckets\[1\]: 1000000000 is not"),
    (("preprocess", "buckets"), [64, 32], r"preprocess: \[64, 32\] are not ascending"),
    (("preprocess", "buckets"), list(range(1, 200)), r"preprocess\.buckets: 199 widths"),
    (("preprocess", "buckets"), [], r"preprocess: \[\] are not ascending"),
    (("preprocess", "channels"), 2, "preprocess: 2 channels"),
    (("preprocess", "filter"), "magic", "preprocess: magic and half are not known"),
    (("preprocess", "colour"), 1, r"preprocess\.'colour': an unknown key"),
    (("characters",), [], r"characters: \[\] is not a mapping"),
    (("characters", "lower"), "no", r"characters\.lower: 'no' is not true or false"),
    (("characters", "digest"), None, r"characters\.digest: None is not a SHA-256"),
    (("characters", "count"), 4, r"dictionary\.txt: not the characters"),
]


@pytest.mark.parametrize(("keys", "value", "message"), WRONG)
def test_a_wrong_value_is_named_by_its_key(
    root: Path, keys: Keys, value: object, message: str
) -> None:
    info = manifest(root)
    change(info, keys, value)
    write(root, info)
    with pytest.raises(BundleError, match=message) as error:
        open_bundle(root)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600
    with pytest.raises(BundleError, match=message):
        Bundle.open(root, verify=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"format": ' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"format": NaN}', r"not JSON \(NaN is no number"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", r"\[\] is not a mapping"),
    ],
)
def test_what_is_no_manifest_is_refused(root: Path, content: bytes, message: str) -> None:
    (root / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=rf"bundle\.json: {message}"):
        open_bundle(root)


def test_more_files_than_a_bundle_has_are_refused(root: Path) -> None:
    info = manifest(root)
    info["files"] |= {f"{n}.txt": info["files"]["model.onnx"] for n in range(MAX_FILES)}
    write(root, info)
    with pytest.raises(BundleError, match=r"bundle\.json: files: 1,003 files, more than 1,000"):
        open_bundle(root)


def listed_again(root: Path, name: str) -> None:
    info = manifest(root)
    info["files"][name] = {
        "size": (root / name).stat().st_size,
        "sha256": sha256_file(root / name),
    }
    write(root, info)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\n\xff\n", r"dictionary\.txt:3: not UTF-8"),
        (b"\n" * (MAX_CHARACTERS + 2), r"dictionary\.txt: 200,002 characters, more than 200,000"),
        (b"", r"dictionary\.txt: not the characters"),
    ],
)
def test_a_wrong_dictionary_is_named(root: Path, content: bytes, message: str) -> None:
    (root / "dictionary.txt").write_bytes(content)
    listed_again(root, "dictionary.txt")
    with pytest.raises(BundleError, match=message):
        open_bundle(root)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bundle.json", f"more than {MAX_MANIFEST_BYTES:,} bytes"),
        ("dictionary.txt", f"more than {MAX_DICTIONARY_BYTES:,} bytes"),
        ("model.onnx", "not the file that was exported"),
    ],
)
def test_a_file_of_a_terabyte_is_refused_unread(root: Path, name: str, message: str) -> None:
    with (root / name).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match=f"{name}: {message}"):
        open_bundle(root, verify=name == "model.onnx")


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("name", ["dictionary.txt", "model.onnx", "bundle.json"])
@pytest.mark.parametrize("replace", [missing, folder, pipe])
def test_what_is_no_file_is_refused(root: Path, name: str, replace: Callable[[Path], None]) -> None:
    replace(root / name)
    for verify in (True, False):
        with pytest.raises(BundleError, match=name):
            open_bundle(root, verify=verify)


@pytest.mark.parametrize("name", ["notes.txt", "paddle2/inference.pdmodel", ".hidden"])
def test_a_file_that_is_not_listed_is_refused(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"")
    with pytest.raises(BundleError, match=rf"{name}: bundle\.json does not name this file"):
        open_bundle(root)
    listed_again(root, name)
    open_bundle(root)


def test_a_link_to_a_folder_is_refused(root: Path) -> None:
    (root / "more").symlink_to(root.parent, target_is_directory=True)
    with pytest.raises(BundleError, match=r"more: bundle\.json does not name this file"):
        open_bundle(root)


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000)])
def test_what_is_no_network_is_refused(root: Path, content: bytes) -> None:
    (root / "model.onnx").write_bytes(content)
    listed_again(root, "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: not a network that reads this"):
        open_bundle(root)


def test_a_network_of_other_classes_or_height_is_refused(root: Path, tmp_path: Path) -> None:
    other = write_bundle(tmp_path / "other", ("a", "b"), scale=1)
    shutil.copy(other / "model.onnx", root / "model.onnx")
    listed_again(root, "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: .*the dictionary has 6 classes"):
        open_bundle(root)
    info = manifest(root)
    info["preprocess"]["height"] = 31
    write(root, info)
    with pytest.raises(BundleError, match=r"model\.onnx: not a network that reads this"):
        open_bundle(root)


@pytest.mark.parametrize("content", [None, b"{", b"[]"])
def test_a_certificate_that_is_none_is_refused(root: Path, content: bytes | None) -> None:
    if content is None:
        (root / "parity.json").unlink()
    else:
        (root / "parity.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"parity\.json"):
        _ = Bundle.open(root, verify=False).parity


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def places(value: object, at: Keys = ()) -> Iterator[Keys]:
    """Returns the path of every value in a JSON document."""
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from places(item, (*at, key))


def opens_or_is_refused(root: Path, verify: bool) -> None:
    try:
        opened = open_bundle(root, verify=verify)
    except BundleError as error:
        cause = error
    else:
        assert len(opened.read([line_image("abc")])) == 1
        return
    assert str(root) in str(cause)


@settings(max_examples=200)
@given(st.data())
def test_any_change_of_a_manifest_opens_or_is_a_bundle_error(
    tiny: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.getbasetemp() / "changed"
    shutil.copytree(tiny, root, dirs_exist_ok=True)
    info = copy.deepcopy(manifest(tiny))
    for _ in range(data.draw(st.integers(1, 2))):
        keys = data.draw(st.sampled_from(sorted(places(info), key=str)))
        change(info, keys, data.draw(VALUES | st.just(REMOVED)))
    write(root, info)
    opens_or_is_refused(root, verify=data.draw(st.booleans()))


@settings(max_examples=150)
@given(st.data())
def test_any_damage_of_a_file_opens_or_is_a_bundle_error(
    tiny: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Its checksum is mended, as one who damages it on purpose does."""
    root = tmp_path_factory.getbasetemp() / "damaged"
    shutil.copytree(tiny, root, dirs_exist_ok=True)
    name = data.draw(st.sampled_from(["model.onnx", "dictionary.txt", "bundle.json"]))
    content = bytearray((root / name).read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    (root / name).write_bytes(content)
    if name != "bundle.json":
        listed_again(root, name)
    opens_or_is_refused(root, verify=True)
