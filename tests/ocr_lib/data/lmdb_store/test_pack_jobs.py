"""What an earlier run finished is used again."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocr_lib.data.lmdb_store import LmdbDataset, pack, verify
from ocr_lib.errors import DataError
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.data.lines import image, texts, write_lines


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


def test_a_shard_that_is_never_packed_ends_the_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers get no time at all here, as those whose storage stands still for hours."""
    labels = write_lines(tmp_path, texts(12))
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        for limit in ("STALL_S", "IMAGE_S"):
            patch.setattr(f"ocr_lib.data.lmdb_store.pack_jobs.{limit}", 0.0)
        message = (
            rf"^{out}: a shard is not packed \(a worker has not ended .*\)\. Look at its storag"
        )
        with pytest.raises(DataError, match=message):
            pack(labels, tmp_path, out, shard_samples=4, workers=2)
    assert pack(labels, tmp_path, out, shard_samples=4, workers=2).samples == 12
