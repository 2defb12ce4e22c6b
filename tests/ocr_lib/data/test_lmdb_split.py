"""Packing by role: two data sets of one label list, and no image in both."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ocr_lib.data.dataset import open_lmdb
from ocr_lib.data.lmdb_store import LmdbDataset, Manifest, merge, pack, pack_split, verify
from ocr_lib.data.roles import TRAIN, VALIDATION, SplitRule
from ocr_lib.errors import DataError
from tests.ocr_lib.data.lines import image, write_lines

RULE = SplitRule(share=0.15, seed=5)


def folders(root: Path, count: int, each: int = 3) -> Path:
    """Writes `count` folders of `each` different images with a label list over all."""
    rows = []
    for i in range(count * each):
        path = f"doc-{i // each}/{i}.jpg"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(image(i))
        rows.append(f"{path}\ttext {i}\n")
    (root / "labels.txt").write_text("".join(rows))
    return root / "labels.txt"


def repeat(labels: Path, path: str, label: str) -> None:
    """Adds an image of the list again, in a folder of its own."""
    copy = f"copies/{label}.jpg"
    target = labels.parent / copy
    target.parent.mkdir(exist_ok=True)
    target.write_bytes((labels.parent / path).read_bytes())
    with labels.open("a") as file:
        file.write(f"{copy}\t{label}\n")


def test_two_data_sets_of_whole_folders(tmp_path: Path) -> None:
    labels = folders(tmp_path, 60)
    split, manifests = pack_split(labels, tmp_path, tmp_path / "out", RULE, shard_samples=16)
    assert split.kind == "folder"
    assert {role: manifest.role for role, manifest in manifests.items()} == {
        TRAIN: TRAIN,
        VALIDATION: VALIDATION,
    }
    sides = {}
    for role, manifest in manifests.items():
        assert manifest == Manifest.load(tmp_path / "out" / role)
        assert not verify(tmp_path / "out" / role).problems
        sides[role] = [int(label[5:]) for label in LmdbDataset(tmp_path / "out" / role).labels()]
        assert all(count == 3 for count in Counter(i // 3 for i in sides[role]).values())
    assert sorted(sides[TRAIN] + sides[VALIDATION]) == list(range(180))
    assert len(manifests[TRAIN].shards) > 1
    assert len(open_lmdb(tmp_path / "out" / TRAIN)) == len(sides[TRAIN])


def test_a_training_image_that_is_in_validation_too_is_left_out_and_counted(
    tmp_path: Path,
) -> None:
    labels = folders(tmp_path, 60)
    pack_split(labels, tmp_path, tmp_path / "before", RULE)
    taken = LmdbDataset(tmp_path / "before" / VALIDATION)
    lines = {row.split("\t")[1]: row.split("\t")[0] for row in labels.read_text().splitlines()}
    repeat(labels, lines[next(taken.labels())], "copy of validation")
    repeat(labels, "doc-0/0.jpg", "copy of train")
    _, manifests = pack_split(labels, tmp_path, tmp_path / "out", RULE, shard_samples=50)
    train = LmdbDataset(tmp_path / "out" / TRAIN)
    validation = LmdbDataset(tmp_path / "out" / VALIDATION)
    assert len(manifests[TRAIN].excluded) == 1
    assert not set(train.checksums.tolist()) & set(validation.checksums.tolist())
    found = list(train.labels())
    assert "copy of validation" not in found
    assert "copy of train" in found
    assert len(train) == len(found) == len(train.sizes) == manifests[TRAIN].samples
    assert [train.sample(i).label for i in range(len(train))] == found
    report = json.loads((tmp_path / "out" / TRAIN / "report.json").read_text())
    assert report["equal_to_validation"] == 1
    assert not verify(tmp_path / "out" / TRAIN).problems
    with pytest.raises(IndexError):
        train.sample(len(train))


def test_what_was_left_out_comes_back_where_parts_are_joined_without_a_split(
    tmp_path: Path,
) -> None:
    labels = folders(tmp_path, 40)
    repeat(labels, "doc-0/0.jpg", "again")
    _, manifests = pack_split(labels, tmp_path, tmp_path / "out", RULE)
    whole = merge([tmp_path / "out" / role for role in manifests], _new(tmp_path / "join"))[0]
    assert whole.samples == 121
    assert whole.excluded == ()


def test_joining_leaves_out_what_another_part_has_in_validation(tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("one", "two")]
    for part in parts:
        pack(write_lines(part, ["a", "b", "c"]), part, part / "lmdb")
    keys = LmdbDataset(parts[1] / "lmdb").checksums[1:2]
    joined, _ = merge(
        [p / "lmdb" for p in parts], _new(tmp_path / "join"), without=keys, role=TRAIN
    )
    assert joined.excluded == (1, 4)
    assert joined.samples == 4
    assert joined == Manifest.load(tmp_path / "join")
    assert joined.shards_of(range(2, 4)) == {"shard-00001"}
    assert joined.shards_of(range(1, 3)) == {"shard-00000", "shard-00001"}
    assert joined.shards_of(range(4, 9)) == set()


def test_a_role_without_samples_has_no_data_set(tmp_path: Path) -> None:
    labels = folders(tmp_path, 60)
    assert set(pack_split(labels, tmp_path, tmp_path / "out", RULE)[1]) == {TRAIN, VALIDATION}
    rule = SplitRule(share=0.0)
    assert set(pack_split(labels, tmp_path, tmp_path / "out", rule)[1]) == {TRAIN}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {TRAIN, "report.json"}


def test_the_data_set_that_was_not_split_is_replaced(tmp_path: Path) -> None:
    labels = folders(tmp_path, 60)
    pack(labels, tmp_path, tmp_path / "out")
    pack_split(labels, tmp_path, tmp_path / "out", RULE)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        TRAIN,
        VALIDATION,
        "report.json",
    }


def test_bad_samples_count_over_both_sides(tmp_path: Path) -> None:
    labels = folders(tmp_path, 60)
    split, _ = pack_split(labels, tmp_path, tmp_path / "sides", RULE)
    rows = labels.read_text().splitlines()
    sides = [split.role(n, row.split("\t")[0]) for n, row in enumerate(rows, start=1)]
    bad = tmp_path / rows[sides.index(VALIDATION)].split("\t")[0]
    bad.write_bytes(b"no image")
    _, manifests = pack_split(labels, tmp_path, tmp_path / "out", RULE)  # 1 of 180, 1 % may be
    assert manifests[VALIDATION].statistics.dropped_samples == 1
    assert json.loads((tmp_path / "out/report.json").read_text())["packed"] == 179
    with pytest.raises(DataError, match=r"1 of 180 samples are bad, 0\.0% are allowed"):
        pack_split(labels, tmp_path, tmp_path / "out", RULE, max_bad_fraction=0.0)
    assert not (tmp_path / "out" / TRAIN / "manifest.json").exists()


def test_a_side_of_nothing_but_bad_samples_leaves_its_drops_to_the_other(tmp_path: Path) -> None:
    labels = folders(tmp_path, 60, each=1)
    split, _ = pack_split(labels, tmp_path, tmp_path / "sides", RULE)
    for number, row in enumerate(labels.read_text().splitlines(), start=1):
        path = row.split("\t")[0]
        if split.role(number, path) == VALIDATION:
            (tmp_path / path).write_bytes(b"no image")
    _, manifests = pack_split(labels, tmp_path, tmp_path / "out", RULE, max_bad_fraction=0.5)
    assert set(manifests) == {TRAIN}
    assert manifests[TRAIN].statistics.dropped_samples == 60 - manifests[TRAIN].samples > 0


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
