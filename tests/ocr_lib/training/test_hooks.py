"""What happens around steps: each hook alone, at the moments that it is for."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.training import checkpoint
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.heartbeat import HEARTBEAT, Heartbeat
from ocr_lib.training.hooks import (
    Checkpoints,
    EarlyStopping,
    EpochClock,
    Evaluation,
    HeartbeatHook,
    Hook,
    NanGuard,
    StepLog,
    StepResult,
    Update,
)
from ocr_lib.training.log import RunLog, StepTimer
from ocr_lib.training.loss_scale import LossScale
from ocr_lib.training.nan_guard import TrainingError
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.time_budget import EpochBudget
from ocr_lib.training.train_state import TrainState

BATCH = LoadedBatch({"image": np.zeros((2, 1, 4, 4), np.float32)}, ("1", "2"), ())


@pytest.fixture
def state() -> CheckpointState:
    """A run of three epochs of four steps, in its first epoch."""
    network = nn.Linear(2, 2)
    optimizer = paddle.optimizer.SGD(0.1, parameters=network.parameters())
    state = CheckpointState(network, optimizer, LossScale(), None)
    state.progress = TrainState(1, 0, 0, EpochBudget(0.0, 1.0, 3), steps_per_epoch=4)
    return state


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RunLog]:
    with closing(RunLog(tmp_path / "run", quiet=True)) as log:
        log.open()
        yield log


def do_step(
    state: CheckpointState, hook: Hook, loss: float = 1.0, batch: LoadedBatch = BATCH
) -> None:
    """Counts a step and tells the hook."""
    progress = state.progress
    progress.global_step += 1
    progress.step_in_epoch += 1
    tensor = paddle.to_tensor(loss)
    update = Update({"loss": tensor}, tensor, paddle.zeros([2, 3, 4])) if batch.labels else None
    hook.on_step(StepResult(batch, 0.25, progress.step_in_epoch == 4, update))


def end_epoch(state: CheckpointState, hook: Hook, *, is_last: bool = False) -> None:
    state.progress.epoch += 1
    state.progress.step_in_epoch = 0
    hook.on_epoch_end(state.progress.epoch - 1, is_last=is_last)


def lines(log_dir: Path) -> list[str]:
    text = (log_dir / "run/train.log").read_text("utf-8")
    return [line.split("INFO: ")[1] for line in text.splitlines()]


def rows(log_dir: Path) -> list[dict[str, object]]:
    text = (log_dir / "run/metrics.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_base_does_nothing_and_never_stops(state: CheckpointState) -> None:
    hook = Hook()
    hook.on_epoch_start()
    do_step(state, hook)
    end_epoch(state, hook)
    hook.on_end()
    assert hook.should_stop() is False


def test_a_bad_loss_is_seen_at_the_steps_that_are_looked_at(
    state: CheckpointState, tmp_path: Path
) -> None:
    guard = NanGuard(state, 2, tmp_path, rank=0)
    do_step(state, guard, float("nan"))
    do_step(state, guard)
    do_step(state, guard)
    with pytest.raises(TrainingError, match="not finite at step 4"):
        do_step(state, guard, float("nan"))
    assert (tmp_path / "nonfinite_batch.npz").exists()


def test_the_last_bad_loss_is_seen_at_the_end_of_an_epoch(
    state: CheckpointState, tmp_path: Path
) -> None:
    guard = NanGuard(state, 100, tmp_path, rank=0)
    do_step(state, guard)
    end_epoch(state, guard)
    do_step(state, guard, float("nan"))
    do_step(state, guard, batch=LoadedBatch({}, (), ()))  # nothing was learnt from it
    with pytest.raises(TrainingError, match="not finite at step 2"):
        end_epoch(state, guard)


def step_log(state: CheckpointState, log: RunLog, **keys: object) -> StepLog:
    settings = GlobalConfig(**{"print_batch_step": 2, **keys})  # type: ignore[arg-type]
    return StepLog(state, log, settings, StepTimer(), RecMetric(), lambda _: ["1", "x"])


def test_the_log_has_medians_every_n_steps(
    state: CheckpointState, log: RunLog, tmp_path: Path
) -> None:
    hook = step_log(state, log, log_smooth_window=3)
    for loss in (5.0, 1.0, 2.0, 9.0):
        do_step(state, hook, loss)
    first, second = lines(tmp_path)
    assert first.startswith("epoch: [1/3], global_step: 2, lr: 0.250000, loss: 3.000000, ")
    assert second.startswith("epoch: [1/3], global_step: 4, lr: 0.250000, loss: 2.000000, ")
    assert [row["loss"] for row in rows(tmp_path)] == [3.0, 2.0]


@pytest.mark.parametrize(("every", "expected"), [(1, True), (2, False)])
def test_the_accuracy_of_training_batches_is_logged_where_asked_for(
    state: CheckpointState, log: RunLog, tmp_path: Path, every: int, expected: bool
) -> None:
    hook = step_log(state, log, cal_metric_during_train=True, calc_epoch_interval=every)
    for _ in range(2):
        do_step(state, hook)
    (row,) = rows(tmp_path)
    assert ("acc" in row) == expected
    if expected:
        assert row["acc"] == pytest.approx(0.5, abs=1e-4)


def test_samples_that_cannot_be_read_are_named(
    state: CheckpointState, log: RunLog, tmp_path: Path
) -> None:
    hook = step_log(state, log)
    do_step(state, hook, batch=LoadedBatch({}, (), ("a.png: broken",)))
    do_step(state, hook, batch=LoadedBatch({}, (), ()))
    assert lines(tmp_path) == ["left out: a.png: broken"]


def test_the_heartbeat_has_the_position(state: CheckpointState, tmp_path: Path) -> None:
    hook = HeartbeatHook(state, Heartbeat(tmp_path))
    hook.on_epoch_start()
    assert json.loads((tmp_path / HEARTBEAT).read_text("utf-8"))["step"] == 0
    (tmp_path / HEARTBEAT).unlink()
    hook = HeartbeatHook(state, Heartbeat(tmp_path))
    do_step(state, hook)
    values = json.loads((tmp_path / HEARTBEAT).read_text("utf-8"))
    assert (values["epoch"], values["step"]) == (1, 1)
    state.progress.epoch = 4
    hook.on_end()
    values = json.loads((tmp_path / HEARTBEAT).read_text("utf-8"))
    assert (values["epoch"], values["step"], values["eta_s"]) == (3, 1, 0.0)


def checkpoints(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.json")}


def test_checkpoints_within_and_after_epochs(state: CheckpointState, tmp_path: Path) -> None:
    settings = GlobalConfig(save_step_every=3, save_epoch_step=1, keep_checkpoints=2)
    hook = Checkpoints(state, settings, tmp_path, is_main_process=True)
    saved = []
    for _ in range(4):
        do_step(state, hook)
        saved.append(checkpoint.exists(tmp_path / "latest"))
    assert saved == [False, False, True, True]
    for _ in range(3):
        end_epoch(state, hook)
    assert checkpoints(tmp_path) == {"latest", "previous", "iter_epoch_2", "iter_epoch_3"}
    assert checkpoint.load(tmp_path / "latest").states["epoch"] == 3


def test_minutes_within_an_epoch_save_too(state: CheckpointState, tmp_path: Path) -> None:
    hook = Checkpoints(state, GlobalConfig(save_minutes=1e-9), tmp_path, is_main_process=True)
    do_step(state, hook)
    assert checkpoints(tmp_path) == {"latest"}


def test_minutes_save_no_bad_loss_and_leave_the_stop_to_where_all_ranks_look(
    state: CheckpointState, tmp_path: Path
) -> None:
    guard = NanGuard(state, 100, tmp_path, rank=0)
    settings = GlobalConfig(save_minutes=1e-9)
    hook = Checkpoints(state, settings, tmp_path, is_main_process=True, guard=guard)
    do_step(state, guard, float("nan"))
    hook.on_step(StepResult(BATCH, 0.25, False, None))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TrainingError, match="not finite at step 1"):
        guard.check()
    do_step(state, guard)
    hook.on_step(StepResult(BATCH, 0.25, False, None))
    assert checkpoints(tmp_path) == {"latest"}


@pytest.mark.parametrize("is_main", [True, False])
def test_every_rank_stops_where_a_bad_loss_would_be_saved(
    state: CheckpointState, tmp_path: Path, is_main: bool
) -> None:
    guard = NanGuard(state, 100, tmp_path, rank=0)
    settings = GlobalConfig(save_step_every=1)
    hook = Checkpoints(state, settings, tmp_path, is_main_process=is_main, guard=guard)
    do_step(state, guard, float("nan"))
    for name in ("latest", "best_accuracy"):
        with pytest.raises(TrainingError, match="not finite at step 1"):
            hook.save(name)
    with pytest.raises(TrainingError, match="not finite at step 1"):
        hook.on_step(StepResult(BATCH, 0.25, False, None))
    assert checkpoints(tmp_path) == set()


def test_other_ranks_write_no_checkpoint(state: CheckpointState, tmp_path: Path) -> None:
    settings = GlobalConfig(save_step_every=1, save_epoch_step=1, keep_checkpoints=1)
    hook = Checkpoints(state, settings, tmp_path, is_main_process=False)
    do_step(state, hook)
    end_epoch(state, hook)
    assert list(tmp_path.iterdir()) == []


class Evaluations:
    """Gives the values that it was made with, one after another; counts the best."""

    def __init__(self, state: CheckpointState, log: RunLog, *values: float, **keys: object) -> None:
        self.network = nn.Linear(1, 1)
        self.best = 0
        self.modes: list[bool] = []
        self._values = iter(values)
        settings = GlobalConfig(**keys)  # type: ignore[arg-type]
        self.hook = Evaluation(
            state, self.network, self._evaluate, settings, "acc", log, StepTimer(), self._save
        )

    def _evaluate(self) -> dict[str, float]:
        self.modes.append(self.network.training)
        return {"acc": next(self._values), "norm_edit_dis": 0.5, "fps": 1.0}

    def _save(self) -> None:
        self.best += 1


def test_the_best_evaluation_is_saved_and_the_others_counted(
    state: CheckpointState, log: RunLog, tmp_path: Path
) -> None:
    evaluations = Evaluations(state, log, 0.0, 0.5, 0.5, 0.6, eval_batch_epoch=1)
    counts = []
    for _ in range(4):
        end_epoch(state, evaluations.hook)
        counts.append((evaluations.best, state.progress.evals_since_best))
    assert counts == [(0, 1), (1, 0), (1, 1), (2, 0)]
    assert (state.progress.best["acc"], state.progress.best["best_epoch"]) == (0.6, 4)
    assert evaluations.modes == [False] * 4
    assert evaluations.network.training
    assert [row["epoch"] for row in rows(tmp_path)] == [1, 2, 3, 4]


def test_evaluations_by_epoch_and_after_the_last(state: CheckpointState, log: RunLog) -> None:
    evaluations = Evaluations(state, log, 0.1, 0.2, eval_batch_epoch=2)
    for is_last in (False, False, True):
        end_epoch(state, evaluations.hook, is_last=is_last)
    assert len(evaluations.modes) == 2


def test_evaluations_by_step_are_done_once_at_the_end_of_an_epoch(
    state: CheckpointState, log: RunLog
) -> None:
    evaluations = Evaluations(state, log, *[0.1] * 9, eval_batch_step=(0, 2))
    for _ in range(4):
        do_step(state, evaluations.hook)
    assert len(evaluations.modes) == 1  # after step 2; step 4 ends the epoch
    end_epoch(state, evaluations.hook)
    assert len(evaluations.modes) == 2


def test_the_time_of_an_epoch_is_added_up(state: CheckpointState) -> None:
    clock = EpochClock(state, Parallel())
    for _ in range(2):
        clock.on_epoch_start()
        end_epoch(state, clock)
    assert state.progress.epoch_s is not None
    assert state.progress.elapsed_s > state.progress.epoch_s > 0


def test_the_clock_of_an_epoch_goes_on_where_a_checkpoint_left_it(state: CheckpointState) -> None:
    state.progress.partial_epoch_s = 500.0  # as a checkpoint within the epoch has it
    clock = EpochClock(state, Parallel())
    clock.on_epoch_start()
    do_step(state, clock)
    assert state.progress.partial_epoch_s > 500
    assert TrainState.from_states(state.progress.states()).partial_epoch_s > 500
    end_epoch(state, clock)
    assert state.progress.elapsed_s > 500
    assert state.progress.partial_epoch_s == 0.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_saved(
    state: CheckpointState, tmp_path: Path, value: float
) -> None:
    guard = NanGuard(state, 1, tmp_path, rank=0)
    settings = GlobalConfig(save_minutes=1e-9)
    hook = Checkpoints(state, settings, tmp_path, is_main_process=True, guard=guard)
    hook.save("latest")
    before = (tmp_path / "latest.pdparams").read_bytes()
    assert state.nonfinite() is None
    network = state._network
    network.weight.set_value(paddle.full([2, 2], value))
    do_step(state, hook)  # a clock of one rank leaves it to the others' next look
    with pytest.raises(TrainingError, match="weight is not finite after step 1, though the loss"):
        hook.save("latest")
    assert (tmp_path / "latest.pdparams").read_bytes() == before


def test_patience_ends(state: CheckpointState) -> None:
    hook = EarlyStopping(state, 2)
    state.progress.evals_since_best = 1
    assert not hook.should_stop()
    state.progress.evals_since_best = 2
    assert hook.should_stop()
