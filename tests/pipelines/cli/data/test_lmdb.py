"""`ocr pack-lmdb` and `ocr fsck` as a user runs them."""

from pathlib import Path

import pytest

from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.errors import ConfigError, DataError, LmdbError
from tests.ocr_lib.data.lines import write_lines
from tests.pipelines.cli.command import call


def test_pack_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = write_lines(tmp_path, ["one", "two", "three", "äöü"])
    words = ("--dictionary", "en", "--max-bad-fraction", "0.25", "--workers", "1")
    assert call("pack-lmdb", labels, tmp_path, tmp_path / "out", *words) == 0
    out = capsys.readouterr().out
    assert "packed  3 samples in 1 shards" in out
    assert "dropped 1 x characters outside the dictionary, first: labels.txt:4: 'äöü'" in out
    assert "labels of up to 5 characters" in out
    assert call("fsck", tmp_path / "out") == 0
    assert "3 samples in 1 shards, all as packed" in capsys.readouterr().out


def test_fsck_prints_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("pack-lmdb", write_lines(tmp_path, ["one"]), tmp_path, tmp_path / "out")
    (tmp_path / "out/shard-00000/samples.npy").unlink()
    with pytest.raises(LmdbError, match="1 problems"):
        call("fsck", tmp_path / "out")
    assert "samples.npy: missing" in capsys.readouterr().out


def test_pack_with_several_workers(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, [f"line {i}" for i in range(12)])
    call("pack-lmdb", labels, tmp_path, tmp_path / "out", "--shard-samples", 3, "--workers", 2)
    assert [len(shard.files) for shard in LmdbDataset(tmp_path / "out").manifest.shards] == [2] * 4


def test_too_many_bad_samples_are_an_error(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["one", "a longer one"])
    with pytest.raises(DataError, match="1 of 2 samples are bad"):
        call("pack-lmdb", labels, tmp_path, tmp_path / "out", "--max-text-length", 5)


@pytest.mark.parametrize(
    "words", [("--workers", "0"), ("--max-bad-fraction", "2"), ("--shard-samples", "x")]
)
def test_wrong_arguments_are_refused(
    tmp_path: Path, words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("pack-lmdb", "labels.txt", tmp_path, tmp_path / "out", *words) == 2
    assert words[0] in capsys.readouterr().err


def test_pack_splits_a_validation_set_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_lines(tmp_path, [f"label {i}" for i in range(60)])
    pattern = r"_(\d+)\.jpg$"
    words = ("--validation-share", 0.15, "--document-pattern", pattern, "--split-seed", 4)
    assert call("pack-lmdb", labels, tmp_path, tmp_path / "out", *words) == 0
    out = capsys.readouterr().out
    sizes = [len(LmdbDataset(tmp_path / "out" / role)) for role in ("train", "validation")]
    assert sum(sizes) == 60
    assert f"packed  {sizes[0]} samples in 1 shards: {tmp_path}/out/train" in out
    assert "split   by document, 0 training images left out: in validation too" in out
    assert f"warning: {sizes[1]} validation samples are fewer than 50" in out
    with pytest.raises(
        ConfigError, match=r"--validation-share: is 0\.4\. Write a fraction from 0 to"
    ):
        call("pack-lmdb", labels, tmp_path, tmp_path / "out", "--validation-share", 0.4)
    with pytest.raises(ConfigError, match="--role: given with --validation-share"):
        call("pack-lmdb", labels, tmp_path, tmp_path / "out", *words, "--role", "test")


def test_pack_notes_what_a_data_set_is_for(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["one"])
    call("pack-lmdb", labels, tmp_path, tmp_path / "out", "--role", "test")
    assert LmdbDataset(tmp_path / "out").manifest.role == "test"
