"""The loop as configured: which hooks it has, and in which order."""

from contextlib import closing
from pathlib import Path

import pytest

from ocr_lib.training.data import build_data
from ocr_lib.training.heartbeat import HEARTBEAT
from ocr_lib.training.hooks import Evaluation, StepLog
from ocr_lib.training.log import PeerLog
from ocr_lib.training.loop import build_trainer
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import resolve
from ocr_lib.training.time_budget import EpochBudget
from ocr_lib.training.train_state import TrainState
from ocr_lib.training.trainer import Trainer
from tests.ocr_lib.training.line_data import make_lines, small_config

Data = tuple[Path, Path]
ALL = [
    "NanGuard",
    "HeartbeatHook",
    "StepLog",
    "Evaluation",
    "EpochClock",
    "Checkpoints",
    "EarlyStopping",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 16, seed=1), make_lines(root / "eval", 4, seed=2)


class SecondRank(Parallel):
    rank = 1


def build(data: Data, tmp_path: Path, parallel: Parallel | None = None, **keys: object) -> Trainer:
    plan = resolve(small_config(*data, tmp_path / "run", **keys))
    with closing(build_data(plan, PeerLog(), Parallel())) as loaders:
        return build_trainer(plan, loaders, 3, parallel or Parallel(), PeerLog())


@pytest.mark.parametrize(
    ("keys", "absent"),
    [
        ({"Global.early_stop_evals": 2}, set()),
        ({}, {"EarlyStopping"}),
        ({"Global.check_finite": "false"}, {"EarlyStopping", "NanGuard"}),
        ({"Eval.dataset.name": "SimpleDataSet"}, {"EarlyStopping", "Evaluation"}),
    ],
)
def test_the_configuration_decides_which_hooks_there_are(
    data: Data, tmp_path: Path, keys: dict[str, object], absent: set[str]
) -> None:
    trainer = build(data, tmp_path, **keys)
    names = [type(hook).__name__ for hook in trainer._hooks]
    assert names == [name for name in ALL if name not in absent]


def test_only_the_main_process_has_a_heartbeat(data: Data, tmp_path: Path) -> None:
    trainer = build(data, tmp_path, SecondRank())
    assert "HeartbeatHook" not in {type(hook).__name__ for hook in trainer._hooks}


def test_a_long_evaluation_beats(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watcher that sees no beat for long takes the run for one that stands still."""
    monkeypatch.setattr("ocr_lib.training.heartbeat.INTERVAL_S", 0.0)
    trainer = build(data, tmp_path)
    trainer.state.progress = TrainState(pace=EpochBudget(0.0, 1.0, 3), steps_per_epoch=3)
    (evaluation,) = (hook for hook in trainer._hooks if isinstance(hook, Evaluation))
    evaluation._evaluate()
    assert (tmp_path / "run" / HEARTBEAT).exists()


def test_log_and_evaluation_share_a_timer(data: Data, tmp_path: Path) -> None:
    hooks = build(data, tmp_path)._hooks
    (log,) = (hook for hook in hooks if isinstance(hook, StepLog))
    (evaluation,) = (hook for hook in hooks if isinstance(hook, Evaluation))
    assert log._timer is evaluation._timer


def test_the_length_is_that_of_this_ranks_epochs(data: Data, tmp_path: Path) -> None:
    trainer = build(data, tmp_path)
    assert (trainer.length.steps_per_epoch, trainer.length.epochs) == (3, 3)
    assert build(data, tmp_path)._schedule(0) == trainer._schedule(0)
