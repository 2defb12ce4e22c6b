"""Packing: what is written, what is dropped, and what survives a crash."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocr_lib.data.lmdb_store import LmdbDataset, Manifest, pack, verify
from ocr_lib.data.lmdb_store import shard as lmdb_shard
from ocr_lib.data.lmdb_store.packing_dir import packing_folder
from ocr_lib.errors import DataError, LabelError, LmdbError
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.data.lines import image, texts, write_lines


def records(directory: Path) -> dict[bytes, bytes]:
    environment = lmdb.open(str(directory), readonly=True, lock=False)
    with environment.begin() as transaction:
        found = dict(transaction.cursor())
    environment.close()
    return found


def add_line(labels: Path, line: str) -> None:
    with open(labels, "a", encoding="utf-8") as file:
        file.write(line + "\n")


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


def bad_lines(folder: Path) -> Path:
    """Four good lines and one of each kind of bad one."""
    labels = write_lines(folder, ["good", "good too", "fine", "well"])
    whole = image(9)
    (folder / "images/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "images/zeroed.jpg").write_bytes(whole[:-40] + bytes(40))
    (folder / "images/scan.jpg").write_bytes(image(9, kind=".tiff"))
    (folder / "images/text.jpg").write_text("not an image")
    (folder / "images/empty.jpg").write_bytes(b"")
    for line in (
        "images/none.jpg\tmissing",
        "images\ta folder",
        "images/cut.jpg\tcut",
        "images/zeroed.jpg\tzeroed",
        "images/text.jpg\ttext",
        "images/empty.jpg\tempty",
        "../secret.jpg\toutside",
        "/etc/hostname\toutside",
        "images/scan.jpg\tscanned",
        "images/labels.txt_0.jpg\t",
        "images/labels.txt_0.jpg\tlonger than it may be",
        "images/labels.txt_0.jpg\tm€n",
    ):
        add_line(labels, line)
    return labels


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


def test_too_many_bad_samples_fail_and_leave_no_data_set(tmp_path: Path) -> None:
    labels = bad_lines(tmp_path)
    with pytest.raises(DataError, match=r"10 of 16 samples .* 1\.0% .*labels\.txt:5: images/none"):
        pack(labels, tmp_path, tmp_path / "out")
    assert json.loads((tmp_path / "out/report.json").read_text())["dropped"]
    with pytest.raises(LmdbError, match=r"no manifest\.json"):
        LmdbDataset(tmp_path / "out")


def test_no_samples_left_is_an_error_whatever_the_quota(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("none.jpg\ttext\n")
    with pytest.raises(DataError, match="1 of 1 samples are bad"):
        pack(labels, tmp_path, tmp_path / "out", max_bad_fraction=1.0)


def test_an_empty_or_malformed_list_is_refused_before_packing(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    with pytest.raises(LabelError, match="no such label list"):
        pack(labels, tmp_path, tmp_path / "out")
    labels.write_text("\n")
    with pytest.raises(DataError, match="has no lines"):
        pack(labels, tmp_path, tmp_path / "out")
    labels.write_text("images/a.jpg text\n")
    with pytest.raises(LabelError, match=r"labels\.txt:1"):
        pack(labels, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    add_line(write_lines(tmp_path, texts(3)), "images/a.jpg text")
    with pytest.raises(LabelError, match=r"labels\.txt:4"):
        pack(labels, tmp_path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_blank_lines_are_no_samples(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", ""])
    labels.write_text(labels.read_text(encoding="utf-8") + "\n" * 50)
    with pytest.raises(DataError, match="1 of 3 samples are bad"):
        pack(labels, tmp_path, tmp_path / "out", max_bad_fraction=0.2)


def test_a_wrong_image_folder_is_named(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    with pytest.raises(DataError, match="nowhere: no such folder"):
        pack(labels, tmp_path / "nowhere", tmp_path / "out")


def test_equal_inputs_give_equal_bytes_whoever_packs(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, texts(30))
    one = pack(labels, tmp_path, tmp_path / "one", shard_samples=8)
    two = pack(labels, tmp_path, tmp_path / "two", shard_samples=8, workers=2)
    assert one.digest == two.digest
    again = pack(labels, tmp_path, tmp_path / "one", shard_samples=8)
    assert again == one
    assert pack(labels, tmp_path, tmp_path / "one", shard_samples=10).digest != one.digest
    assert len(list((tmp_path / "one").glob("shard-*"))) == 3
    assert not verify(tmp_path / "one").problems


def test_finished_shards_are_kept_while_their_inputs_are_the_same(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, texts(12))
    lines = labels.read_text(encoding="utf-8")
    broken = tmp_path / "images/labels.txt_11.jpg"
    good = broken.read_bytes()
    broken.write_bytes(b"broken")
    out = tmp_path / "out"
    with pytest.raises(DataError):
        pack(labels, tmp_path, out, shard_samples=4)
    before = [(out / f"shard-0000{i}/data.mdb").stat().st_ino for i in range(3)]
    broken.write_bytes(good)
    (tmp_path / "images/labels.txt_5.jpg").write_bytes(image(99))
    manifest = pack(labels, tmp_path, out, shard_samples=4)
    after = [(out / f"shard-0000{i}/data.mdb").stat().st_ino for i in range(3)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False]
    assert labels.read_text(encoding="utf-8") == lines
    assert manifest.digest == pack(labels, tmp_path, tmp_path / "fresh", shard_samples=4).digest
    assert LmdbDataset(out).sample(5).image == image(99)


def test_other_options_do_not_use_finished_shards(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a", "b", "c", "dddd"])
    with pytest.raises(DataError):
        pack(labels, tmp_path, tmp_path / "out", shard_samples=3, max_text_length=2)
    pack(labels, tmp_path, tmp_path / "out", shard_samples=3, dictionary=Charset(tuple("abcd")))
    assert list(LmdbDataset(tmp_path / "out").labels()) == ["a", "b", "c", "dddd"]


def test_a_killed_packing_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, texts(400))
    expected = pack(labels, tmp_path, tmp_path / "expected", shard_samples=20)
    out = tmp_path / "out"
    program = (
        "import sys; from ocr_lib.data.lmdb_store import pack;pack(*sys.argv[1:], shard_samples=20)"
    )
    command = [sys.executable, "-c", program, str(labels), str(tmp_path), str(out)]
    for wanted in ("shard-00000", "shard-00006"):
        process = subprocess.Popen(command)
        while not (out / wanted).exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = (out / "shard-00000/data.mdb").stat().st_ino
    assert pack(labels, tmp_path, out, shard_samples=20) == expected
    assert not list(out.glob(".*"))
    assert not verify(out).problems
    assert (out / "shard-00000/data.mdb").stat().st_ino == kept


@pytest.mark.parametrize("size", ["64k", "192k", "320k"])
def test_a_full_disk_is_one_message_and_nothing_half_written(tmp_path: Path, size: str) -> None:
    """On a real file system of that size, mounted in a name space of the child's own."""
    labels = write_lines(tmp_path, texts(400))
    disk = tmp_path / "disk"
    disk.mkdir()
    program = (
        "import sys; from pathlib import Path; from ocr_lib.data.lmdb_store import pack\n"
        "from ocr_lib.errors import DataError\n"
        "try: pack(*sys.argv[1:], shard_samples=100)\n"
        "except DataError as error: print(error)\n"
        "print([path.name for path in Path(sys.argv[3]).glob('.*')])"
    )
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size={size} none "$0" && exec "$@"']
    command = [sys.executable, "-c", program, str(labels), str(tmp_path), str(disk / "out")]
    done = subprocess.run([*mount, str(disk), *command], capture_output=True, text=True)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this machine gives no name space of one's own")
    message, leftovers = done.stdout.splitlines()
    assert "no room left on the disk" in message
    assert "finished shards are kept" in message
    assert leftovers == "[]"


def test_an_out_dir_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write here"):
        pack(labels, tmp_path, tmp_path / "file/out")


def test_two_packings_into_one_folder_are_refused(tmp_path: Path) -> None:
    import fcntl

    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(LmdbError, match="another process is packing"):
        pack(labels, tmp_path, tmp_path / "out")
    os.close(handle)


def test_a_killed_worker_is_one_message(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, texts(4))
    with (
        pytest.raises(DataError, match="a packing process was killed"),
        packing_folder(tmp_path / "out"),
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        pool.submit(os.abort).result()
    assert pack(labels, tmp_path, tmp_path / "out").samples == 4


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


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.text(
            st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), min_size=1
        ).filter(str.strip),
        min_size=1,
        max_size=12,
    )
)
def test_labels_come_back_as_they_were(tmp_path: Path, labels: list[str]) -> None:
    path = write_lines(tmp_path, labels)
    pack(path, tmp_path, tmp_path / "out", shard_samples=5)
    dataset = LmdbDataset(tmp_path / "out")
    assert list(dataset.labels()) == labels
    assert [dataset.sample(i).label for i in range(len(dataset))] == labels
    assert np.array_equal(dataset.sizes[:, 1], [20] * len(labels))
