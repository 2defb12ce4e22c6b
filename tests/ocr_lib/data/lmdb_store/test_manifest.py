"""The manifest of a packed data set."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.base import SAMPLE
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.lmdb_store.manifest import (
    MAX_BYTES,
    Manifest,
    Shard,
    ShardFile,
    label_checksum,
    load_table,
    measure_sizes,
)
from ocr_lib.data.lmdb_store.statistics import Statistics
from ocr_lib.data.roles import ROLES
from ocr_lib.errors import LmdbError
from tests.ocr_lib.data.lines import write_lines

SIZES = [[(10, 1), (20, 2)], [(30, 3), (40, 4), (50, 5)]]


def test_a_manifest_without_roles_is_read_as_before(tmp_path: Path) -> None:
    manifest = pack(write_lines(tmp_path, ["a", "b"]), tmp_path, tmp_path / "out")
    text = (tmp_path / "out/manifest.json").read_text()
    assert "role" not in json.loads(text)
    assert (manifest.role, manifest.excluded) == ("", ())
    for role in ROLES:
        named = pack(tmp_path / "labels.txt", tmp_path, tmp_path / role, role=role)
        assert named.digest != manifest.digest


@pytest.mark.parametrize("excluded", [[2], [-1], [1, 0], [0, 0], ["0"], "0", {"0": 1}])
def test_rows_left_out_that_are_not_there_are_refused(tmp_path: Path, excluded: object) -> None:
    pack(write_lines(tmp_path, ["a", "b"]), tmp_path, tmp_path / "out")
    path = tmp_path / "out/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "excluded": excluded}))
    with pytest.raises(LmdbError, match="not a manifest"):
        Manifest.load(tmp_path / "out")


def shard(name: str, samples: int) -> Shard:
    files = {"data.mdb": samples, "samples.npy": 24 * samples}
    return Shard(name, samples, {file: ShardFile(size, "0" * 64) for file, size in files.items()})


def manifest(*counts: int, excluded: tuple[int, ...] = ()) -> Manifest:
    shards = tuple(shard(f"shard-{i}", count) for i, count in enumerate(counts))
    return Manifest({}, {}, shards, Statistics(samples=sum(counts)), {}, excluded=excluded)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = replace(manifest(3, 2, excluded=(1, 4)), role="train", source={"label_list": "é"})
    (tmp_path / "manifest.json").write_text(written.to_json(), "utf-8")
    assert Manifest.load(tmp_path) == written
    assert Manifest.load(tmp_path).digest == written.digest


def test_rows_left_out_are_no_samples() -> None:
    found = manifest(3, 2).without([3, 0])
    assert found.excluded == (0, 3)
    assert found.samples == 3
    assert found.rows.to_array().tolist() == [1, 2, 4]
    assert found.digest != manifest(3, 2).digest


@pytest.mark.parametrize(
    ("samples", "names"),
    [
        (range(3), {"shard-0"}),
        (range(2, 4), {"shard-0", "shard-1"}),
        (range(3, 5), {"shard-1"}),
        (range(5, 9), {"shard-2"}),
        (range(9), {"shard-0", "shard-1", "shard-2"}),
        (range(0), set()),
    ],
)
def test_shards_of_neighbouring_samples(samples: range, names: set[str]) -> None:
    assert manifest(3, 2, 4).shards_of(samples) == names


def test_rows_left_out_shift_the_shards_of_samples() -> None:
    found = manifest(3, 2, excluded=(0, 1))
    assert found.shards_of(range(1)) == {"shard-0"}
    assert found.shards_of(range(1, 3)) == {"shard-1"}


def test_sizes_are_measured_over_all_shards() -> None:
    tables = [np.array([(0, 0, w, h, 0) for w, h in part], SAMPLE) for part in SIZES]
    assert measure_sizes(tables) == {
        "width": {"min": 10, "median": 30, "max": 50},
        "height": {"min": 1, "median": 3, "max": 5},
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shards", 0, "name"), "../../elsewhere"),
        (("shards", 0, "name"), "/etc"),
        (("shards", 0, "name"), ".."),
        (("shards", 0, "name"), "a/b"),
        (("shards", 0, "name"), [1]),
        (("shards", 0, "samples"), 10**12),
        (("shards", 0, "samples"), -1),
        (("shards", 0, "samples"), "2"),
        (("shards", 0, "files", "samples.npy", "bytes"), -1),
        (("shards", 0, "files"), {"../data.mdb": {"bytes": 1, "sha256": ""}}),
        (("statistics", "samples"), 10**12),
        (("statistics",), []),
        (("shards",), "[" * 10),
    ],
)
def test_names_and_numbers_that_cannot_be_are_refused(
    tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    pack(write_lines(tmp_path, ["a", "b"]), tmp_path, tmp_path / "out")
    file = tmp_path / "out/manifest.json"
    content = json.loads(file.read_text())
    *parents, last = path
    inner = content
    for key in parents:
        inner = inner[key]
    inner[last] = value
    file.write_text(json.dumps(content))
    with pytest.raises(LmdbError, match="not a manifest"):
        Manifest.load(tmp_path / "out")


@pytest.mark.parametrize("content", ["[" * 100_000, "9" * 5000, "nul", "\ud800"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, "utf-8", "surrogatepass")
    with pytest.raises(LmdbError, match="not a manifest"):
        Manifest.load(tmp_path)


def test_a_manifest_is_read_to_its_bound(tmp_path: Path) -> None:
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(LmdbError, match=r"not a manifest .*larger than"):
        Manifest.load(tmp_path)


def test_a_table_is_read_after_its_header_fits(tmp_path: Path) -> None:
    packed = pack(write_lines(tmp_path, ["a", "b"]), tmp_path, tmp_path / "out")
    directory = tmp_path / "out/shard-00000"
    assert load_table(directory, packed.shards[0])["label_crc32"].tolist() == [
        label_checksum("a"),
        label_checksum("b"),
    ]
    for array in (np.zeros(2, "<u4"), np.zeros((2, 10), np.uint8), np.zeros(3, SAMPLE)):
        np.save(directory / "samples.npy", array)
        files = {**packed.shards[0].files, "samples.npy": ShardFile.of(directory / "samples.npy")}
        with pytest.raises(LmdbError, match="not the manifest's table"):
            load_table(directory, replace(packed.shards[0], files=files))
    content = bytearray((directory / "samples.npy").read_bytes())
    content[:] = content.replace(b"(3,), }", b"(9" + b"9" * 9 + b",), }")[: len(content)]
    (directory / "samples.npy").write_bytes(content)
    files = {**packed.shards[0].files, "samples.npy": ShardFile.of(directory / "samples.npy")}
    with pytest.raises(LmdbError, match="not the manifest's table"):
        load_table(directory, replace(packed.shards[0], files=files))
