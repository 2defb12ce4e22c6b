"""The loop: what an update does, when hooks are called, and where it ends."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.training.data import DataLoaders, build_data
from ocr_lib.training.hooks import Hook, StepResult
from ocr_lib.training.log import PeerLog
from ocr_lib.training.loop import build_trainer
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import resolve
from ocr_lib.training.trainer import Trainer
from tests.ocr_lib.training.line_data import make_lines, small_config

Data = tuple[Path, Path]
EMPTY = LoadedBatch({}, (), ("broken",))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 20, seed=1), make_lines(root / "eval", 4, seed=2)


class Recorder(Hook):
    """Writes down what it is told, and stops before an epoch."""

    def __init__(self, stop_before: int = 99) -> None:
        self.calls: list[str] = []
        self.steps: list[StepResult] = []
        self._epochs_left = stop_before - 1

    def on_epoch_start(self) -> None:
        self.calls.append("start")

    def on_step(self, step: StepResult) -> None:
        self.calls.append("step, the last" if step.ends_epoch else "step")
        self.steps.append(step)

    def on_epoch_end(self, epoch: int, *, is_last: bool) -> None:
        self.calls.append(f"end of {epoch}{', the last' if is_last else ''}")
        self._epochs_left -= 1

    def on_end(self) -> None:
        self.calls.append("end")

    def should_stop(self) -> bool:
        return self._epochs_left == 0


def built(data: Data, tmp_path: Path, epochs: int = 2) -> tuple[Trainer, DataLoaders]:
    plan = resolve(small_config(*data, tmp_path / "run"))
    loaders = build_data(plan, PeerLog(), Parallel())
    trainer = build_trainer(plan, loaders, epochs, Parallel(), PeerLog())
    return trainer, loaders


def weight(trainer: Trainer) -> np.ndarray:
    values: np.ndarray = trainer.system.network.state_dict()["head.fc.weight"].numpy()
    return values


def test_hooks_see_every_moment_in_order(data: Data, tmp_path: Path) -> None:
    trainer, loaders = built(data, tmp_path)
    trainer._hooks = [recorder := Recorder()]
    with closing(loaders):
        progress = trainer.fit()
    steps = trainer.length.steps_per_epoch
    epoch = ["start", *["step"] * (steps - 1), "step, the last"]
    assert recorder.calls == [*epoch, "end of 1", *epoch, "end of 2, the last", "end"]
    assert (progress.epoch, progress.step_in_epoch, progress.global_step) == (3, 0, 2 * steps)
    assert trainer.next_budget() is None


def test_a_hook_can_end_the_run(data: Data, tmp_path: Path) -> None:
    trainer, loaders = built(data, tmp_path)
    trainer._hooks = [Hook(), recorder := Recorder(stop_before=2)]
    with closing(loaders):
        assert trainer.fit().epoch == 2
    assert recorder.calls[-2:] == ["end of 1", "end"]


def test_an_update_changes_weights_by_its_learning_rate_and_repeats(
    data: Data, tmp_path: Path
) -> None:
    results = []
    for rate in (0.0, 0.01, 0.01):
        trainer, loaders = built(data, tmp_path)
        with closing(loaders):
            batch = loaders.train.load_now(loaders.train.plan_epoch(1)[0], 1)
            before = weight(trainer)
            update = trainer.update(batch, 0, rate)
        results.append(weight(trainer) - before)
        assert update.losses["loss"].item() == update.local_loss.item() > 0
        assert update.logits.shape[0] == len(batch.labels)
        assert update.logits.stop_gradient
        assert not trainer.system.gradient_sync.gradients()[0].any()  # cleared
    assert not results[0].any()
    assert results[1].any()
    np.testing.assert_array_equal(results[1], results[2])


def test_one_process_passes_over_a_batch_that_cannot_be_read(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, loaders = built(data, tmp_path, epochs=1)
    trainer._hooks = [recorder := Recorder()]
    monkeypatch.setattr(loaders.train, "load", lambda batches, _: iter([EMPTY] * len(batches)))
    before = weight(trainer)
    with closing(loaders):
        trainer.fit()
    assert {step.update for step in recorder.steps} == {None}
    np.testing.assert_array_equal(weight(trainer), before)


def test_a_batch_that_cannot_be_read_has_a_dummy_among_several(data: Data, tmp_path: Path) -> None:
    trainer, loaders = built(data, tmp_path)
    with closing(loaders):
        update = trainer.update(EMPTY, 0, 0.0)
    assert np.isfinite(update.losses["loss"].item())
