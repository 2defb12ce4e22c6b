"""The training loop.

Exact resume rests on three things: batches and augmentation are functions of (seed, epoch,
position), dropout is reseeded for every step, and the learning rate is a function of the
position.
What a checkpoint must hold is then only the weights, the optimiser's state and the position.
"""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import paddle

from ocr_lib.config.schema import Config
from ocr_lib.data.loading.batches import Batch
from ocr_lib.data.loading.dataloader import DataLoader, LoadedBatch
from ocr_lib.errors import DataError
from ocr_lib.evaluation.metrics import RecMetric, metric_config
from ocr_lib.optim.schedules import RunLength, build_schedule
from ocr_lib.training import checkpoint
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.gradient_sync import GradientSync
from ocr_lib.training.heartbeat import Heartbeat
from ocr_lib.training.log import RunLog, StepTimer, metric_line, step_line
from ocr_lib.training.nan_guard import check_finite
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.precision import Precision, float32
from ocr_lib.training.run_dir import BEST, LATEST
from ocr_lib.training.time_budget import EpochBudget, budget_of_epoch
from ocr_lib.training.train_state import TrainState
from ocr_lib.training.validation import Evaluate

RANK_SEED = 1_000_003  # ranks draw dropout from seeds so far apart


class Trainer:
    """Trains a network from a position to the end of the run.

    Args:
        config: the run's configuration.
        run_dir: where checkpoints go.
        model: the network.
        loss: outputs and batch → losses.
        optimizer: over the network's parameters.
        loader: loads planned batches.
        plan_epoch: epoch → its batches, always the same for the same epoch.
        length: steps in an epoch and epochs.
        evaluate: runs an evaluation; `Metric.main_indicator` of its result decides which
            checkpoint is best.
        log: the run's log.
        parallel: the processes that train this network together.
        texts_of: reads the network's outputs, for the accuracy of training batches.
    """

    def __init__(
        self,
        config: Config,
        run_dir: Path,
        *,
        model: Any,
        loss: Any,
        optimizer: Any,
        loader: DataLoader,
        plan_epoch: Callable[[int], list[Batch]],
        length: RunLength,
        evaluate: Evaluate | None,
        log: RunLog,
        parallel: Parallel,
        texts_of: Callable[[Any], list[str]],
    ) -> None:
        self.settings = config.global_
        self.run_dir = run_dir
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.loader = loader
        self.plan_epoch = plan_epoch
        self.length = length
        self.evaluate = evaluate
        self.log = log
        self.parallel = parallel
        self.exchange = GradientSync(parallel, model)
        self.precision = Precision(self.settings)
        self.state = CheckpointState(
            model, optimizer, self.precision.loss_scale, self.settings.ema_decay
        )
        self.texts_of = texts_of
        self.schedule = build_schedule(config.optimizer.lr, length)
        self.metric = RecMetric.of(config.metric)
        self.main_indicator = metric_config(config.metric).main_indicator
        self.timer = StepTimer()
        self.heartbeat = Heartbeat(run_dir)
        self.on_cpu = str(paddle.get_device()) == "cpu"
        self.losses: deque[dict[str, Any]] = deque(maxlen=self.settings.log_smooth_window)
        self._saved_at = time.monotonic()

    def run(self) -> TrainState:
        """Trains to the end, to early stopping, or to an error.

        Raises:
            TrainingError: the loss is not finite; the batch is saved beside the checkpoints.
        """
        self.model.train()
        self.state.begin_average()
        while not self._stopped_early() and (pace := self.next_pace()):
            self._epoch(pace)
        if self.parallel.is_main_process:
            self.heartbeat.end(self.position.epoch - 1, self.position.global_step)
        return self.position

    @property
    def position(self) -> TrainState:
        """How far the run is."""
        return self.state.position

    def describe(self) -> list[str]:
        """Returns sentences on how the weights are computed and kept, where not plainly."""
        said = [self.precision.describe()]
        if self.parallel.world_size > 1:
            said.append(f"{self.parallel.world_size} processes, each with batches of its own")
        if self.settings.ema_decay:
            said.append("a moving average of the weights is evaluated and kept")
        if self.evaluate is None:
            average = ", with averaged weights" if self.settings.ema_decay else ""
            said.append(f"no validation set: the result is the last checkpoint{average}")
        return [sentence for sentence in said if sentence]

    def next_pace(self) -> EpochBudget | None:
        """Returns the pace of the epoch to do next; None where the run is over."""
        position, minutes = self.position, self.settings.train_minutes
        if position.step_in_epoch:  # resumed within an epoch
            return position.pace
        begin = position.pace.schedule_step(self.length.steps_per_epoch) if position.pace else 0.0
        left_s = None if minutes is None else minutes * 60 - position.elapsed_s
        return budget_of_epoch(self.length, position.epoch, begin, left_s, position.epoch_s)

    def _epoch(self, pace: EpochBudget) -> None:
        started = time.monotonic()
        position = self.position
        position.pace, position.steps_per_epoch = pace, self.length.steps_per_epoch
        plan = self.plan_epoch(position.epoch)
        todo = plan[position.step_in_epoch :]
        self.timer.restart()
        for loaded in self.loader.batches(todo, position.epoch):
            self.timer.loaded()
            self._step(loaded)
            if position.step_in_epoch < len(plan):
                self._between_steps()
        position.epoch += 1
        position.step_in_epoch = 0
        self._evaluate_after(position.epoch - 1, last=pace.epochs_left == 1)
        position.epoch_s = self.parallel.broadcast_from_rank0(lambda: time.monotonic() - started)
        position.elapsed_s += position.epoch_s
        self._save_after(position.epoch - 1)

    def _step(self, loaded: LoadedBatch) -> None:
        position = self.position
        logs = (position.global_step + 1) % self.settings.print_batch_step == 0
        if loaded.labels or self.parallel.world_size > 1:
            losses, outputs = self.update(loaded, position.global_step, self._learning_rate())
            self.losses.append(losses)
            # On a GPU reading a loss waits for the device, so there it is read at log steps only.
            if self.settings.check_finite and (logs or self.on_cpu):
                check_finite(
                    losses,
                    self.own_loss,
                    loaded,
                    step=position.global_step + 1,
                    run_dir=self.run_dir,
                    rank=self.parallel.rank,
                )
        for message in loaded.bad:
            self.log.info(f"left out: {message}")
        position.global_step += 1
        position.step_in_epoch += 1
        self.timer.stepped(len(loaded.labels))
        if self.parallel.is_main_process:
            self.heartbeat.beat(position.epoch, position.global_step, self._steps_left())
        if logs and loaded.labels:
            self._log_step(loaded, outputs)

    def _learning_rate(self) -> float:
        assert self.position.pace is not None
        return self.schedule(self.position.pace.schedule_step(self.position.step_in_epoch))

    def update(
        self, loaded: LoadedBatch, step: int, learning_rate: float
    ) -> tuple[dict[str, Any], Any]:
        """Does one optimiser update; returns the losses and the network's outputs."""
        # Dropout of a step is the same after a resume.
        paddle.seed(self.settings.seed + step + RANK_SEED * self.parallel.rank)
        arrays = loaded.arrays if loaded.labels else self._stand_in().arrays
        batch = {name: paddle.to_tensor(array) for name, array in arrays.items()}
        if self.settings.use_sync_bn:
            self.parallel.meet()  # its layers exchange without waiting for latecomers
        with self.precision.autocast():
            outputs = float32(self.model(batch["image"], batch))
        losses = self.loss(outputs, batch)
        self.precision.loss_scale.scaled(losses["loss"]).backward()
        self.own_loss = losses["loss"].detach()
        losses = self.exchange.average(losses, counts=bool(loaded.labels))
        self.optimizer.set_lr(learning_rate)
        if self.precision.loss_scale.unscale(self.exchange.gradients()):
            self.state.update()
        else:
            self.log.info(self.precision.loss_scale.describe(step + 1))
        self.optimizer.clear_grad()
        return losses, outputs

    def _stand_in(self) -> LoadedBatch:
        """Returns a batch for a rank whose own has no readable line: all ranks run in step."""
        epoch = self.position.epoch
        for batch in self.plan_epoch(epoch):
            loaded = self.loader.read(batch, epoch)
            if loaded.labels:
                return loaded
        raise DataError("Train.dataset", "no batch has a readable line", "Run `ocr fsck` on it")

    def _log_step(self, loaded: LoadedBatch, outputs: Any) -> None:
        position = self.position
        pace, values = position.pace, {"lr": float(self.optimizer.get_lr())}
        assert pace is not None
        due = position.epoch % self.settings.calc_epoch_interval == 0
        if self.settings.cal_metric_during_train and due:
            self.metric.reset()
            self.metric.update(self.texts_of(outputs), loaded.labels)
            summary = self.metric.summary()
            values |= {"acc": summary["acc"], "norm_edit_dis": summary["norm_edit_dis"]}
        for name in self.losses[-1]:  # medians of the last steps, as PaddleOCR prints them
            values[name] = median(float(losses[name]) for losses in self.losses)
        epochs, left = position.epoch + pace.epochs_left - 1, self._steps_left()
        self.log.info(
            step_line(position.epoch, epochs, position.global_step, values, self.timer, left)
        )
        ips = self.timer.samples / max(self.timer.elapsed_s, 1e-9)
        self.log.metrics("train", global_step=position.global_step, ips=ips, **values)
        self.timer.restart()

    def _steps_left(self) -> int:
        """Returns the updates to go; with a time budget as many as are expected to fit."""
        position = self.position
        assert position.pace is not None
        return position.pace.epochs_left * self.length.steps_per_epoch - position.step_in_epoch

    def _between_steps(self) -> None:
        """Evaluates and saves within an epoch, where the configuration asks for it."""
        first, every = self.settings.eval_batch_step
        step = self.position.global_step
        if not self.settings.eval_batch_epoch and step > first and (step - first) % every == 0:
            self._evaluate(self.position.epoch)
        by_step = self.settings.save_step_every and step % self.settings.save_step_every == 0
        minutes = (time.monotonic() - self._saved_at) / 60
        if by_step or (self.settings.save_minutes and minutes >= self.settings.save_minutes):
            self.save(LATEST)

    def _evaluate_after(self, epoch: int, last: bool) -> None:
        first, every = self.settings.eval_batch_step
        step = self.position.global_step
        due = (step - first) % every == 0 and step > first
        if self.settings.eval_batch_epoch:
            due = epoch % self.settings.eval_batch_epoch == 0
        if due or last:
            self._evaluate(epoch)

    def _save_after(self, epoch: int) -> None:
        if epoch % self.settings.save_epoch_step == 0:
            self.save(f"iter_epoch_{epoch}")
            self._prune(epoch)
        self.save(LATEST)

    def _evaluate(self, epoch: int) -> None:
        if self.evaluate is None:
            return
        paused = self.timer.pause()
        self.model.eval()
        with self.state.averaged():
            values = self.evaluate()
        self.model.train()
        position = self.position
        self.log.info(metric_line("cur metric", values))
        self.log.metrics("eval", global_step=position.global_step, epoch=epoch, **values)
        position.evals_since_best += 1
        # A first value of 0 is not an improvement: nothing was recognised.
        if values[self.main_indicator] > position.best.get(self.main_indicator, 0.0):
            position.best = {**values, "best_epoch": epoch}
            position.evals_since_best = 0
            self.save(BEST)
        if position.best:
            self.log.info(metric_line("best metric", position.best))
        self.timer.resume(paused)

    def save(self, name: str) -> None:
        """Writes a checkpoint of the present position; rank 0 does."""
        if not self.parallel.is_main_process:
            return
        self.state.save(self.run_dir / name)
        if name == LATEST:
            self._saved_at = time.monotonic()

    def _prune(self, epoch: int) -> None:
        keep = self.settings.keep_checkpoints
        if keep and self.parallel.is_main_process:
            checkpoint.remove(
                self.run_dir / f"iter_epoch_{epoch - keep * self.settings.save_epoch_step}"
            )

    def _stopped_early(self) -> bool:
        patience = self.settings.early_stop_evals
        return patience is not None and self.position.evals_since_best >= patience
