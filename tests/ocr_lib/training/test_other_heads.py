"""Heads that write one character after another: trained, stopped, evaluated, exported, read."""

from pathlib import Path

import numpy as np
import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.data.dataset import open_dataset
from ocr_lib.errors import ConfigError
from ocr_lib.export import export
from ocr_lib.export.paddle_runtime import RUNTIMES
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.training import train
from pipelines.cli.config_options import trained_recognizer
from tests.ocr_lib.evaluated import evaluate
from tests.ocr_lib.training.line_data import assert_equal_runs, make_lines, metrics, train_until
from tests.ocr_lib.training.other_networks import CONFIGS, other_config

KINDS = pytest.mark.parametrize("kind", CONFIGS)
Data = tuple[Path, Path]

WIDER = {
    "Architecture.Backbone": "{name: PlainConv, height: 32, widths: [16, 24, 32, 48], "
    "out_channels: 48}",
    "Architecture.Neck.hidden_size": 48,
    "Architecture.Head": "{name: AttentionHead, hidden_size: 128, max_text_length: 8}",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 40, seed=1), make_lines(root / "eval", 10, seed=2)


@pytest.fixture(scope="module")
def runs(data: Data, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for kind in CONFIGS:
        found[kind] = tmp_path_factory.mktemp("runs") / kind
        train(other_config(kind, *data, found[kind]), quiet=True)
    return found


@KINDS
def test_the_loss_falls_and_training_batches_are_read(runs: dict[str, Path], kind: str) -> None:
    rows = [row for row in metrics(runs[kind]) if row["kind"] == "train"]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert all(0 <= row["acc"] <= 1 and row["norm_edit_dis"] >= 0 for row in rows)


@KINDS
def test_a_stopped_run_ends_as_an_uninterrupted_one(
    data: Data, runs: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    config = other_config(kind, *data, tmp_path / "run", **{"Global.save_step_every": 2})
    train_until(config, 7)
    assert 0 < train(config, quiet=True).resumed_from <= 7
    assert_equal_runs(runs[kind], tmp_path / "run")


@pytest.mark.slow
@KINDS
def test_the_exported_network_reads_what_the_trained_one_reads(
    runs: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    bundle = export(runs[kind], tmp_path / "bundle", checkpoint="latest")
    assert bundle.decoder == Bundle.open(bundle.root).decoder == kind
    config = load_config(runs[kind] / "config.yml", [f"Global.checkpoints={runs[kind]}/latest"])
    dataset = open_dataset(config.eval)
    images = [dataset.sample(i).image for i in range(len(dataset))]
    expected = trained_recognizer(config)[0].read(images)
    for backend in ("onnx", "paddle"):
        answers = open_bundle(bundle.root, RUNTIMES[backend]).read(images)
        assert [a.text for a in answers] == [a.text for a in expected]
        np.testing.assert_allclose(
            [a.score for a in answers], [a.score for a in expected], atol=1e-4
        )
    report = evaluate(open_bundle(bundle.root), dataset)
    last = [row for row in metrics(runs[kind]) if row["kind"] == "eval"][-1]
    assert report.paddleocr["norm_edit_dis_ignore_space"] == pytest.approx(last["norm_edit_dis"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "lines", "epochs", "rate"),
    # Attention is slow to find where to look, so it and NRTR have few lines to know by heart.
    [("attention", 8, 200, 0.002), ("sar", 200, 20, 0.004), ("nrtr", 24, 24, 0.001)],
)
def test_it_learns_to_read(kind: str, lines: int, epochs: int, rate: float, tmp_path: Path) -> None:
    learnt = make_lines(tmp_path / "train", lines, seed=1)
    asked = make_lines(tmp_path / "eval", 40, seed=2) if lines > 40 else learnt
    keys = {
        "Global.epoch_num": epochs,
        "Global.eval_batch_epoch": epochs,
        "Optimizer.lr": f"{{name: Const, learning_rate: {rate}}}",
        **(WIDER if kind == "attention" else {}),
    }
    best = train(other_config(kind, learnt, asked, tmp_path / "run", **keys), quiet=True).best
    assert best["norm_edit_dis"] > 0.6  # about 0.8 or more with each of three seeds


@pytest.mark.parametrize(
    ("kind", "key", "value", "where"),
    [
        ("attention", "Global.max_text_length", "9", "Architecture.Head.max_text_length"),
        ("sar", "Global.max_text_length", "9", "Architecture.Head.max_text_length"),
        ("nrtr", "Global.max_text_length", "9", "Architecture.Head.max_len"),
        ("sar", "PostProcess.name", "CTCLabelDecode", "PostProcess.name"),
        ("sar", "Global.width_buckets", "[100, 160]", "Global.width_buckets"),
    ],
)
def test_what_does_not_fit_is_named(
    data: Data, kind: str, key: str, value: str, where: str, tmp_path: Path
) -> None:
    config = other_config(kind, *data, tmp_path / "run", **{key: value})
    with pytest.raises(ConfigError) as refused:
        train(config)
    assert refused.value.where == where
