"""A loss that is not finite stops the run; the rank whose batch did it keeps the batch."""

from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.training import checkpoint, loop, train
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.hooks import NanGuard
from ocr_lib.training.nan_guard import TrainingError, check_finite
from ocr_lib.training.trainer import Trainer
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    params,
    small_config,
)

BATCH = LoadedBatch({"image": np.ones((1, 1, 2, 2), np.float32)}, ("7",), ())
NAN = float("nan")
Data = tuple[Path, Path]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Of three training batches an epoch."""
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 16, seed=1), make_lines(root / "eval", 4, seed=2)


def look(folder: Path, loss: float, local: float, rank: int = 0) -> None:
    losses = {"loss": paddle.to_tensor(loss), "part": paddle.to_tensor(2.0)}
    local_loss = paddle.to_tensor(local)
    check_finite(losses, local_loss, BATCH, step=5, run_dir=folder / "run", rank=rank)


def test_a_finite_loss_goes_on_and_writes_nothing(tmp_path: Path) -> None:
    look(tmp_path, 1.0, 1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rank", "name"), [(0, "nonfinite_batch.npz"), (3, "nonfinite_batch.rank3.npz")]
)
def test_the_batch_is_kept(tmp_path: Path, rank: int, name: str) -> None:
    with pytest.raises(
        TrainingError, match=rf"step 5 \(loss nan, part 2.0\); the batch is in .*{name}"
    ):
        look(tmp_path, NAN, NAN, rank)
    with np.load(tmp_path / "run" / name) as batch:
        assert batch["labels"].tolist() == ["7"]
        np.testing.assert_array_equal(batch["image"], BATCH.arrays["image"])


def test_another_processs_loss_stops_this_one_too(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="it is another process's, which has kept its batch"):
        look(tmp_path, float("inf"), 1.0)
    assert list(tmp_path.iterdir()) == []


def train_with_a_jump(
    data: Data, run_dir: Path, patch: pytest.MonkeyPatch, jump: int, **keys: object
) -> None:
    """Trains as on a GPU, where log steps alone are looked at, and there is none.

    Args:
        data: training and validation data.
        run_dir: the run directory.
        patch: undone by the caller.
        jump: the update, from 1, that ruins the weights; the next loss is not finite.
        keys: of the configuration.
    """
    real = Trainer.update

    def update(self: Trainer, batch: LoadedBatch, step: int, learning_rate: float) -> Any:
        return real(self, batch, step, 3e38 if step == jump - 1 else learning_rate)

    def seldom(state: CheckpointState, every: int, run_dir: Path, rank: int) -> NanGuard:
        del every
        return NanGuard(state, 1000, run_dir, rank)

    patch.setattr(Trainer, "update", update)
    patch.setattr(loop, "NanGuard", seldom)
    train(small_config(*data, run_dir, **keys), quiet=True)


def test_a_bad_loss_between_log_steps_is_not_saved_at_the_end_of_an_epoch(
    data: Data, tmp_path: Path
) -> None:
    keys = {"Global.save_epoch_step": 1, "Global.keep_checkpoints": 1}
    run_dir = tmp_path / "run"
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(TrainingError, match="not finite at step 6"),
    ):
        train_with_a_jump(data, run_dir, patch, 4, **keys)
    assert (run_dir / "nonfinite_batch.npz").exists()
    assert checkpoint.exists(run_dir / "iter_epoch_1")
    assert not checkpoint.exists(run_dir / "iter_epoch_2")
    assert checkpoint.load(run_dir / "latest").states["global_step"] == 3
    assert all(np.isfinite(value).all() for value in params(run_dir).values())
    assert train(small_config(*data, run_dir, **keys), quiet=True).resumed_from == 3
    train(small_config(*data, tmp_path / "whole", **keys), quiet=True)
    assert_equal_runs(tmp_path / "whole", run_dir)


def test_a_bad_loss_in_the_last_steps_is_no_success(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"Global.epoch_num": 1, "Global.save_epoch_step": 1}
    with pytest.raises(TrainingError, match="not finite at step 3"):
        train_with_a_jump(data, tmp_path / "run", monkeypatch, 2, **keys)
    assert not checkpoint.exists(tmp_path / "run/latest")
    assert not checkpoint.exists(tmp_path / "run/iter_epoch_1")


def test_a_bad_loss_is_not_saved_within_an_epoch(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrainingError, match="not finite at step 5"):
        train_with_a_jump(data, tmp_path / "run", monkeypatch, 4, **{"Global.save_step_every": 5})
    assert checkpoint.load(tmp_path / "run/latest").states["global_step"] == 3
