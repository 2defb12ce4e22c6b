"""The commands that use a trained network: eval, infer, export, predict, gate."""

import json
import re
from pathlib import Path

import pytest

from ocr_lib.errors import CheckpointError, ConfigError, ImageError
from ocr_lib.evaluation.report import EvalReport
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


def test_eval_and_gate(run_dir: Path, bundle: Bundle, tmp_path: Path, capsys: Capture) -> None:
    config = ["-c", run_dir / "config.yml"]
    candidate, champion, page = (tmp_path / name for name in ("a.json", "b.json", "r.html"))
    assert call("eval", *config, "--json", candidate, "--html", page) == 0
    printed = lines_of(capsys)
    assert re.fullmatch(r"\[[\d/]+ [\d:]+\] ppocr INFO: metric eval \*{15}", printed[0])
    report = EvalReport.load(candidate)
    assert printed[1].endswith(f"acc:{report.paddleocr['acc']}")
    assert f"on {report.samples} lines" in printed[4]
    assert page.read_text("utf-8").startswith("<!doctype html>")

    assert call("eval", *config, "--bundle", bundle.root, "--json", champion) == 0
    assert EvalReport.load(champion).outcomes == report.outcomes
    capsys.readouterr()
    gate = [candidate, "--champion", champion, "--min-samples", 20]
    assert call("gate", *gate) == 0
    assert lines_of(capsys)[-1] == "accepted"
    assert call("gate", *gate, "--min-accuracy", 1.0, "--html", page) == 0
    assert lines_of(capsys)[-1] == "refused"
    assert call("gate", *gate, "--min-accuracy", 1.0, "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_eval_counts_leaked_images(run_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    path, config = tmp_path / "a.json", ["-c", run_dir / "config.yml", "--limit", 2]
    train = run_dir.parent / "train" / "lmdb"
    assert call("eval", *config, "--json", path) == 0
    assert EvalReport.load(path).leaked is None
    leaky = ["-o", f"Eval.dataset.data_dir={train}", "--leaks"]
    assert call("eval", *config, *leaky, "--json", path) == 0
    assert EvalReport.load(path).leaked == 80
    assert "80 images are training images too" in capsys.readouterr().out
    capsys.readouterr()
    assert call("gate", path, "--min-samples", 1) == 0
    assert lines_of(capsys)[-1] == "refused"


def test_export_from_a_run_folder(run_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    assert call("export", run_dir, tmp_path / "b", "--checkpoint", "latest") == 0
    printed = lines_of(capsys)
    opened = Bundle.open(tmp_path / "b")
    assert printed[0] == f"inference model is saved to {tmp_path / 'b'}"
    assert printed[1].startswith("parity on 16 images at 2 widths: largest difference ")
    assert printed[2] == f"bundle {opened.digest}"
    assert opened.info["lineage"] == {"checkpoint": "latest"}


def test_export_as_paddleocr_is_called(run_dir: Path, tmp_path: Path, capsys: Capture) -> None:
    options = [
        f"Global.pretrained_model={run_dir / 'latest'}",
        f"Global.save_inference_dir={tmp_path / 'b'}",
    ]
    assert call("export", "-c", run_dir / "config.yml", "-o", *options) == 0
    assert (tmp_path / "b" / "inference.pdiparams").exists()
    with pytest.raises(ConfigError, match="RUN, -c: exactly one of the two"):
        call("export")
