"""`ocr infer` and `ocr predict` on a trained run and its bundle."""

import json
import re
from pathlib import Path

import pytest

from ocr_lib.errors import CheckpointError, ConfigError, ImageError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.runtimes import open_bundle
from tests.pipelines.cli.command import call

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def images(run_dir: Path) -> Path:
    return run_dir.parent / "eval" / "images"


def lines_of(capsys: Capture) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_predict_prints_like_paddleocr(bundle: Bundle, images: Path, capsys: Capture) -> None:
    assert call("predict", bundle.root, images / "3.png", images / "0.png") == 0
    answers = open_bundle(bundle.root).read([(images / f"{i}.png").read_bytes() for i in (3, 0)])
    assert lines_of(capsys) == [
        f"Predicts of {images / name}:('{answer.text}', {round(answer.score, 6)})"
        for name, answer in zip(("3.png", "0.png"), answers, strict=True)
    ]


def test_predict_reads_folders_and_writes_json(
    bundle: Bundle, images: Path, capsys: Capture
) -> None:
    assert call("predict", bundle.root, images, "--json", "--backend", "paddle") == 0
    rows = [json.loads(line) for line in lines_of(capsys)]
    assert [row["image"] for row in rows] == sorted(str(path) for path in images.iterdir())
    assert all(len(row["char_scores"]) == len(row["text"]) for row in rows)


def test_predict_names_what_it_cannot_read(
    bundle: Bundle, images: Path, tmp_path: Path, capsys: Capture
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"x")
    assert call("predict", bundle.root, bad, images / "0.png") == 2
    captured = capsys.readouterr()
    assert captured.err == f"{bad}: not an image of a known format (1 bytes)\n"
    assert captured.out.startswith(f"Predicts of {images / '0.png'}:(")


def test_paths_that_hold_no_image(bundle: Bundle, tmp_path: Path, capsys: Capture) -> None:
    absent = tmp_path / "absent.png"
    assert call("predict", bundle.root, absent) == 2
    assert f"IMAGES: {absent}: no such file or folder" in capsys.readouterr().err
    with pytest.raises(ImageError, match="no image in this folder"):
        call("predict", bundle.root, tmp_path)


def test_infer_prints_like_paddleocr(
    run_dir: Path, images: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = [f"Global.infer_img={images}", f"Global.save_res_path={tmp_path / 'res.txt'}"]
    assert call("infer", "-c", run_dir / "config.yml", "-o", *options) == 0
    printed = lines_of(capsys)
    assert printed[0] == f"infer_img: {images / '0.png'}"
    assert re.fullmatch(r"\t result: \d*\t\d\.\d{6}", printed[1])
    saved = (tmp_path / "res.txt").read_text("utf-8").splitlines()
    assert saved[0] == f"{images / '0.png'}\t{printed[1].removeprefix(chr(9) + ' result: ')}"
    assert len(saved) == 20


def test_infer_needs_an_image_and_a_checkpoint(run_dir: Path, images: Path) -> None:
    with pytest.raises(ConfigError, match=r"Global\.infer_img"):
        call("infer", "-c", run_dir / "config.yml")
    options = [f"Global.infer_img={images}", f"Global.checkpoints={run_dir / 'absent'}"]
    with pytest.raises(CheckpointError, match=r"absent\.pdparams: no such file"):
        call("infer", "-c", run_dir / "config.yml", "-o", *options)
