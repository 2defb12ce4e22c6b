"""Whole runs on real data: what they leave behind, and that a resume changes nothing."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ocr_lib import training
from ocr_lib.config.schema import Config
from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.errors import CheckpointError, ConfigError, DataError, DictionaryError, LmdbError
from ocr_lib.storage.tree_manifest import TreeManifest
from ocr_lib.training import checkpoint, load_run, train
from ocr_lib.training.nan_guard import TrainingError
from ocr_lib.training.trainer import Trainer
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    metrics,
    params,
    small_config,
    train_until,
)

SHORT = {"Global.epoch_num": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 60, seed=1), make_lines(root / "eval", 20, seed=2)


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory) -> Path:
    run_dir = tmp_path_factory.mktemp("run") / "whole"
    result = train(small_config(*data, run_dir), quiet=True)
    assert (result.epochs, result.resumed_from) == (3, 0)
    return run_dir


def test_the_run_folder_is_complete_and_loads(uninterrupted, data):
    names = {path.name for path in uninterrupted.iterdir()}
    assert {"config.yml", "train.log", "metrics.jsonl", "run.json", "latest.pdparams"} <= names
    assert {"dictionary.txt", "dictionary.json"} <= names
    assert not [name for name in names if name.endswith((".tmp", ".new"))]
    trained = load_run(uninterrupted, "latest")
    assert trained.dictionary.num_classes == 96
    assert trained.preprocess.buckets == (64, 128)
    assert not trained.model.training


def test_log_lines_are_paddleocrs(uninterrupted):
    log = (uninterrupted / "train.log").read_text("utf-8")
    assert re.search(
        r"^\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\] ppocr INFO: epoch: \[1/3\], global_step: 2, "
        r"lr: [\d.]+, acc: [\d.]+, norm_edit_dis: [\d.]+, loss: [\d.]+, "
        r"avg_reader_cost: \d+\.\d{5} s, avg_batch_cost: \d+\.\d{5} s, avg_samples: [\d.]+, "
        r"ips: \d+\.\d{5} samples/s, eta: \d+:\d\d:\d\d$",
        log,
        re.MULTILINE,
    )
    assert re.search(r"ppocr INFO: cur metric, acc: [\d.]+, norm_edit_dis: [\d.]+, fps: ", log)
    rows = metrics(uninterrupted)
    assert {row["kind"] for row in rows} == {"train", "eval"}
    assert [row["epoch"] for row in rows if row["kind"] == "eval"] == [1, 2, 3]


def test_the_loss_falls(data, tmp_path):
    keys = {"Global.epoch_num": 8, "Optimizer.lr.max_lr": 0.02}
    train(small_config(*data, tmp_path / "run", **keys), quiet=True)
    rows = metrics(tmp_path / "run")
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    assert np.mean(losses[-8:]) < 0.7 * np.mean(losses[:8])  # wide batches weigh more


def test_training_accuracy_is_logged_in_every_nth_epoch(data, tmp_path):
    train(small_config(*data, tmp_path / "run", **{"Global.calc_epoch_interval": 2}), quiet=True)
    rows = [row for row in metrics(tmp_path / "run") if row["kind"] == "train"]
    steps = {(row["global_step"] - 1) // 8 + 1: "acc" in row for row in rows}  # 8 steps an epoch
    assert steps == {1: False, 2: True, 3: False}


@pytest.mark.parametrize("indicator", ["acc", "norm_edit_dis"])
def test_the_main_indicator_decides_which_checkpoint_is_best(data, tmp_path, indicator):
    """Of this network the accuracy stays 0 while the edit distance falls."""
    config = small_config(*data, tmp_path / "run", **{"Metric.main_indicator": indicator})
    best = train(config, quiet=True).best
    values = [row[indicator] for row in metrics(tmp_path / "run") if row["kind"] == "eval"]
    assert best.get(indicator, 0.0) == max(values)
    assert bool(best) == checkpoint.exists(tmp_path / "run/best_accuracy")
    assert bool(best) == (indicator == "norm_edit_dis")


def test_two_runs_are_equal(data, uninterrupted, tmp_path):
    train(small_config(*data, tmp_path / "run"), quiet=True)
    assert_equal_runs(uninterrupted, tmp_path / "run")


def test_workers_change_nothing(data, uninterrupted, tmp_path):
    config = small_config(*data, tmp_path / "run", **{"Train.loader.num_workers": 2})
    train(config, quiet=True)
    for ours, theirs in zip(
        params(uninterrupted).values(), params(tmp_path / "run").values(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("step", [3, 9, 17])
def test_a_run_stopped_at_any_step_ends_with_the_same_weights(data, uninterrupted, tmp_path, step):
    config = small_config(*data, tmp_path / "run", **{"Global.save_step_every": 2})
    train_until(config, step)
    result = train(config, quiet=True)
    assert 0 < result.resumed_from <= step
    assert_equal_runs(uninterrupted, tmp_path / "run")


def test_joined_lines_are_learnt_and_workers_still_change_nothing(data, tmp_path):
    """RecConAug and RecAug, as PP-OCRv3's configurations list them."""
    runs = []
    for workers in (0, 2):
        keys = {
            "Train.dataset.transforms": "[DecodeImage: {}, RecConAug: {prob: 1.0, image_shape: "
            "[32, 128, 3]}, RecAug: {}, RecResizeImg: {image_shape: [1, 32, 128]}]",
            "Global.epoch_num": 2,
            "Train.loader.num_workers": workers,
        }
        runs.append(tmp_path / str(workers))
        train(small_config(*data, runs[-1], **keys), quiet=True)
    for ours, theirs in zip(*(params(run).values() for run in runs), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_finished_run_is_left_as_it_is(data, uninterrupted):
    before = (uninterrupted / "latest.pdparams").stat().st_mtime_ns
    result = train(small_config(*data, uninterrupted), quiet=True)
    assert result.steps == result.resumed_from
    assert (uninterrupted / "latest.pdparams").stat().st_mtime_ns == before


def test_what_a_killed_save_left_is_gone_when_the_run_goes_on(data, uninterrupted):
    """Else it would be uploaded with the run, and be part of its digest."""
    manifest = TreeManifest.of_folder(uninterrupted)
    for name in ("..best_accuracy.pdopt.new.ab_12cde.tmp", ".best_accuracy.pdparams.new"):
        (uninterrupted / name).write_bytes(b"half")
    train(small_config(*data, uninterrupted), quiet=True)
    left = TreeManifest.of_folder(uninterrupted).files
    assert left.keys() == manifest.files.keys()
    assert not [path for path in uninterrupted.iterdir() if path.name.startswith(".")]


def test_a_folder_with_another_run_is_refused_unless_fresh(data, uninterrupted, tmp_path):
    run_dir = tmp_path / "run"
    train(small_config(*data, run_dir, **{"Global.epoch_num": 1}), quiet=True)
    other = small_config(*data, run_dir, **{"Global.epoch_num": 1, "Global.seed": 7})
    with pytest.raises(ConfigError, match="run of another configuration"):
        train(other, quiet=True)
    assert train(other, fresh=True, quiet=True).resumed_from == 0


def test_a_time_budget_ends_with_the_end_of_the_schedule(data, tmp_path):
    config = small_config(*data, tmp_path / "run", **{"Global.train_minutes": 0.02})
    result = train(config, quiet=True)
    assert result.epochs >= 1
    pace = checkpoint.load(tmp_path / "run/latest").states["position"]["pace"]
    steps = json.loads((tmp_path / "run/run.json").read_text("utf-8"))["epochs"] * 8
    assert pace["begin"] + pace["stride"] * 8 == pytest.approx(steps)  # 8 batches an epoch
    assert pace["epochs_left"] == 1
    assert train(config, quiet=True).steps == result.steps  # over is over


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_batch(data, tmp_path):
    config = small_config(*data, tmp_path / "run", **{"Optimizer.lr.max_lr": 1e30})
    with pytest.raises(TrainingError, match="not finite at step"):
        train(config, quiet=True)
    with np.load(tmp_path / "run/nonfinite_batch.npz") as batch:
        assert batch["image"].dtype == np.float32


def test_pretrained_weights_start_a_new_run(data, uninterrupted, tmp_path):
    keys = {"Global.pretrained_model": uninterrupted / "latest", "Global.epoch_num": 1}
    result = train(small_config(*data, tmp_path / "run", **keys), quiet=True)
    assert result.resumed_from == 0
    assert "parameters match" in (tmp_path / "run/train.log").read_text("utf-8")


def test_weights_without_the_optimisers_state_are_no_place_to_go_on_from(
    data, uninterrupted, tmp_path
):
    shutil.copy(uninterrupted / "latest.pdparams", tmp_path / "alone.pdparams")
    keys = {"Global.checkpoints": tmp_path / "alone"}
    with pytest.raises(CheckpointError, match=r"alone\.pdopt: the optimiser's state is missing"):
        train(small_config(*data, tmp_path / "run", **keys), quiet=True)


def test_a_missing_checkpoint_is_an_error(data, tmp_path):
    keys = {"Global.checkpoints": tmp_path / "gone/latest"}
    with pytest.raises(CheckpointError, match="gone/latest"):
        train(small_config(*data, tmp_path / "run", **keys), quiet=True)


def test_a_missing_checkpoint_begins_without_it_where_that_is_asked_for(
    data, uninterrupted, tmp_path
):
    keys = {
        "Global.checkpoints": tmp_path / "gone/latest",
        "Global.fallback_to_pretrained": True,
        "Global.pretrained_model": uninterrupted / "latest",
        "Global.epoch_num": 1,
    }
    assert train(small_config(*data, tmp_path / "run", **keys), quiet=True).resumed_from == 0
    log = (tmp_path / "run/train.log").read_text("utf-8")
    assert "gone/latest does not exist: begins as if Global.checkpoints were unset" in log
    assert "pretrained weights from" in log


def test_a_batch_without_a_readable_line_has_a_dummy(data, tmp_path, monkeypatch):
    """One of several processes must take part in a step for which it has nothing."""
    losses = []

    def fit(self):
        update = self.update(LoadedBatch({}, (), ("broken",)), 0, 0.0)
        losses.append(update.losses["loss"].item())
        return self.state.progress

    monkeypatch.setattr(Trainer, "fit", fit)
    train(small_config(*data, tmp_path / "run"), quiet=True)
    assert np.isfinite(losses).all()


def test_no_usable_sample_is_an_error_that_says_why(data, tmp_path):
    (tmp_path / "letters.txt").write_text("x\ny\n", encoding="utf-8")
    keys = {"Global.character_dict_path": tmp_path / "letters.txt"}
    with pytest.raises(DataError, match=r"no sample is left of 60 \({'empty': 60}\)"):
        train(small_config(*data, tmp_path / "run", **keys), quiet=True)


def test_every_logged_step_counts_its_samples(data, tmp_path):
    keys = {"Global.epoch_num": 1, "Global.print_batch_step": 1}
    train(small_config(*data, tmp_path / "run", **keys), quiet=True)
    log = (tmp_path / "run/train.log").read_text("utf-8")
    counts = [float(count) for count in re.findall(r"avg_samples: ([\d.]+)", log)]
    assert sum(counts) == 60


def test_without_a_validation_set_the_last_checkpoint_is_the_result(data, tmp_path, capsys):
    keys = {
        "Eval.dataset.name": "SimpleDataSet",
        "Global.ema_decay": 0.5,
        "Global.early_stop_evals": 1,
    }
    result = train(small_config(*data, tmp_path / "run", **keys))
    assert (result.epochs, result.best) == (3, {})
    said = "no validation set: the result is the last checkpoint, with averaged weights"
    assert said in capsys.readouterr().out
    assert not list((tmp_path / "run").glob("best_accuracy*"))
    assert {row["kind"] for row in metrics(tmp_path / "run")} == {"train"}
    assert load_run(tmp_path / "run", "latest").dictionary.num_classes == 96


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ({"Global.pretrained_model": "nosuch"}, CheckpointError),
        ({"Global.checkpoints": "nosuch"}, CheckpointError),
        ({"Train.dataset.data_dir": "nosuch"}, LmdbError),
        ({"Global.character_dict_path": "nosuch"}, DictionaryError),
    ],
)
def test_a_run_that_cannot_start_leaves_nothing(data, tmp_path, keys, error):
    given = {key: tmp_path / value for key, value in keys.items()}
    with pytest.raises(error, match="nosuch"):
        train(small_config(*data, tmp_path / "runs" / "a", **given), quiet=True)
    assert list(tmp_path.iterdir()) == []
    result = train(small_config(*data, tmp_path / "runs" / "a", **SHORT), quiet=True)
    assert result.epochs == 1
    assert "samples" in (tmp_path / "runs/a/train.log").read_text("utf-8")


def test_a_failed_start_over_leaves_the_older_run(data, tmp_path):
    config = small_config(*data, tmp_path / "run", **SHORT)
    train(config, quiet=True)
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    wrong = {**SHORT, "Global.pretrained_model": tmp_path / "nosuch"}
    with pytest.raises(CheckpointError, match="nosuch"):
        train(small_config(*data, tmp_path / "run", **wrong), fresh=True, quiet=True)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    assert train(config, quiet=True).resumed_from > 0


def test_the_readme_lists_every_module_that_reads_the_whole_configuration(
    data, tmp_path, monkeypatch
):
    config = small_config(*data, tmp_path / "run", **SHORT)
    library = Path(training.__file__).parents[1]
    readers = set()

    def getattribute(self, name):
        caller = Path(sys._getframe(1).f_code.co_filename)
        if caller.is_relative_to(library):
            readers.add(caller.relative_to(library).as_posix())
        return object.__getattribute__(self, name)

    monkeypatch.setattr(Config, "__getattribute__", getattribute)
    train(config, quiet=True)
    readme = (library / "training" / "README.md").read_text("utf-8")
    table = readme.split("## Where the configuration goes")[1].split("\n## ")[0]
    assert readers == set(re.findall(r"`(\w+/[\w/]+\.py)`", table))


def complete_run(data, folder, **keys):
    config = small_config(*data, folder, **{"Global.epoch_num": 1, **keys})
    return train(config, quiet=True)


@pytest.mark.parametrize(
    ("keys", "where", "fix"),
    [
        ({"Global.epoch_num": 1}, "Global.epoch_num", "Raise it to more than 1"),
        (
            {"Global.epoch_num": 5, "Global.early_stop_evals": 1},
            "Global.early_stop_evals",
            "Raise it, or leave it unset",
        ),
    ],
)
def test_going_on_from_a_complete_run_needs_something_left_to_do(data, tmp_path, keys, where, fix):
    first = complete_run(data, tmp_path / "one")
    named = {"Global.checkpoints": str(first.run_dir / "latest")}
    with pytest.raises(ConfigError) as refused:
        train(small_config(*data, tmp_path / "two", **named, **keys), quiet=True)
    assert refused.value.where == where
    assert "has done 1 epochs" in refused.value.cause
    assert refused.value.fix.startswith(fix)
    assert not (tmp_path / "two").exists() or not list((tmp_path / "two").glob("*.json"))
    if "Global.early_stop_evals" not in keys:
        more = train(small_config(*data, tmp_path / "two", **named, **{"Global.epoch_num": 2}))
        assert (more.epochs, more.checkpoint) == (2, "latest")


def test_a_run_without_a_best_checkpoint_names_the_one_to_use(data, tmp_path):
    result = complete_run(data, tmp_path / "one")  # of this network the accuracy stays 0
    assert result.checkpoint == "latest"
    log = (tmp_path / "one/train.log").read_text("utf-8")
    assert f"no evaluation was the best: use the checkpoint {tmp_path}/one/latest" in log
    by_distance = {"Metric.main_indicator": "norm_edit_dis"}
    assert complete_run(data, tmp_path / "two", **by_distance).checkpoint == "best_accuracy"
