"""What a shard holds, and which samples are left out of it."""

import json
import os
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest

from ocr_lib.data.lmdb_store import LmdbDataset, Manifest, pack, verify
from ocr_lib.data.lmdb_store import shard as lmdb_shard
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.data.image_files import animated
from tests.ocr_lib.data.lines import image, texts, write_lines
from tests.ocr_lib.data.lmdb_store.packed import add_line, bad_lines


def records(directory: Path) -> dict[bytes, bytes]:
    environment = lmdb.open(str(directory), readonly=True, lock=False)
    with environment.begin() as transaction:
        found = dict(transaction.cursor())
    environment.close()
    return found


def test_writes_the_layout_that_others_read(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["first", "second, é", "third"])
    manifest = pack(labels, tmp_path, tmp_path / "out", shard_samples=2)
    first = tmp_path / "images/labels.txt_0.jpg"
    assert records(tmp_path / "out/shard-00000") == {
        b"num-samples": b"2",
        b"image-000000001": first.read_bytes(),
        b"label-000000001": b"first",
        b"image-000000002": (tmp_path / "images/labels.txt_1.jpg").read_bytes(),
        b"label-000000002": "second, é".encode(),
    }
    assert records(tmp_path / "out/shard-00001")[b"label-000000001"] == b"third"
    assert sorted(path.name for path in (tmp_path / "out/shard-00000").iterdir()) == [
        "data.mdb",
        "samples.npy",
    ]
    assert manifest == Manifest.load(tmp_path / "out")
    assert manifest.samples == 3
    assert manifest.statistics.characters["é"] == 1
    assert manifest.statistics.lengths == {5: 2, 9: 1}
    assert manifest.image_sizes["width"] == {"min": 24, "median": 31, "max": 38}
    assert not verify(tmp_path / "out").problems


def test_a_line_with_several_images_becomes_several_samples(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b"])
    add_line(labels, json.dumps(["images/labels.txt_0.jpg", "images/labels.txt_1.jpg"]) + "\tc")
    pack(labels, tmp_path, tmp_path / "out")
    assert list(LmdbDataset(tmp_path / "out").labels()) == ["a", "b", "c", "c"]


def test_bad_samples_are_dropped_and_named(tmp_path: Path) -> None:
    labels = bad_lines(tmp_path)
    letters = Charset(tuple("abcdefghijklmnopqrstuvwxyz "))
    manifest = pack(
        labels,
        tmp_path,
        tmp_path / "out",
        dictionary=letters,
        max_text_length=16,
        max_bad_fraction=0.8,
    )
    assert manifest.samples == 4
    dropped = manifest.statistics.dropped
    assert {reason: found.count for reason, found in dropped.items()} == {
        "missing image": 2,
        "undecodable image": 4,
        "image format not accepted": 1,
        "path outside the image folder": 2,
        "empty label": 1,
        "label too long": 1,
        "characters outside the dictionary": 1,
    }
    assert dropped["missing image"].examples[0].startswith("labels.txt:5: images/none.jpg: No such")
    assert dropped["label too long"].examples[0].startswith("labels.txt:15: 21 characters, more")
    assert dropped["characters outside the dictionary"].examples == ["labels.txt:16: '€' in 'm€n'"]
    assert dropped["image format not accepted"].examples == [
        "labels.txt:13: images/scan.jpg: TIFF is not accepted: "
        "convert the image to JPEG, PNG, BMP or WebP"
    ]
    report = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert (report["images"], report["packed"]) == (16, 4)
    assert report["dropped"]["empty label"]["count"] == 1


def test_images_of_a_single_colour_and_animations_are_dropped(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["good", "fine", "well"])
    plain = np.full((20, 60, 3), 255, np.uint8)
    (tmp_path / "images/plain.png").write_bytes(cv2.imencode(".png", plain)[1].tobytes())
    (tmp_path / "images/moving.webp").write_bytes(animated("WEBP", 2))
    add_line(labels, "images/plain.png\tnothing on it")
    add_line(labels, "images/moving.webp\ttwo texts")
    manifest = pack(labels, tmp_path, tmp_path / "out", max_bad_fraction=0.5)
    dropped = manifest.statistics.dropped
    assert {reason: found.count for reason, found in dropped.items()} == {
        "image of a single colour": 1,
        "undecodable image": 1,
    }
    assert dropped["image of a single colour"].examples[0].startswith("labels.txt:4: ")
    assert "an animated WebP of 2 frames" in dropped["undecodable image"].examples[0]


def test_large_shards_are_committed_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = write_lines(tmp_path, texts(100))
    (tmp_path / "images/labels.txt_50.jpg").write_bytes(image(1, 900, 900, ".png"))
    whole = pack(labels, tmp_path, tmp_path / "whole")
    monkeypatch.setattr(lmdb_shard, "COMMIT_BYTES", 4 << 10)
    monkeypatch.setattr(lmdb_shard, "MAP_SLACK_BYTES", 64 << 10)
    parts = pack(labels, tmp_path, tmp_path / "parts")
    assert parts.statistics == whole.statistics
    assert records(tmp_path / "parts/shard-00000") == records(tmp_path / "whole/shard-00000")


def test_an_image_behind_a_link_or_in_a_pipe_is_not_packed(tmp_path: Path) -> None:
    labels = write_lines(tmp_path / "set", ["a", "b", "c", "d", "e"])
    images = tmp_path / "set/images"
    (tmp_path / "secret.jpg").write_bytes(image(0))
    for i in range(4):
        (images / f"labels.txt_{i}.jpg").unlink()
    (images / "labels.txt_0.jpg").symlink_to("../../secret.jpg")
    os.mkfifo(images / "labels.txt_1.jpg")
    (images / "labels.txt_2.jpg").symlink_to("labels.txt_4.jpg")
    (images / "e\u0301.jpg").write_bytes(image(0))
    (images / "labels.txt_3.jpg").symlink_to("e\u0301.jpg")
    add_line(labels, "images/\u00e9.jpg\tf")
    manifest = pack(labels, tmp_path / "set", tmp_path / "out", max_bad_fraction=1)
    assert list(LmdbDataset(tmp_path / "out").labels()) == ["c", "d", "e", "f"]
    assert manifest.statistics.dropped["missing image"].examples == [
        "labels.txt:1: images/labels.txt_0.jpg: image behind a link that leaves the image folder",
        "labels.txt:2: images/labels.txt_1.jpg: not a regular file",
    ]
