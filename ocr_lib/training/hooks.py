"""What happens around training steps: logging, evaluation, checkpoints, early stopping.

A hook does one thing at fixed moments; the trainer calls its hooks in the order in which it got
them. `build_hooks` says why that order is what it is.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import median

import paddle
from paddle import nn

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.training import checkpoint
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.gradient_sync import Losses
from ocr_lib.training.heartbeat import Heartbeat
from ocr_lib.training.log import RunLog, StepTimer, metric_line, step_line
from ocr_lib.training.nan_guard import TrainingError, check_finite
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.run_dir import LATEST, PREVIOUS
from ocr_lib.training.validation import Evaluate


@dataclass(frozen=True)
class Update:
    """What one update computed.

    Attributes:
        losses: averaged over the ranks that had a batch.
        local_loss: this rank's total.
        logits: float32 [N, T, K] of the network that reads.
    """

    losses: Losses
    local_loss: paddle.Tensor
    logits: paddle.Tensor


@dataclass(frozen=True)
class StepResult:
    """One training step that was done; the position counts it already.

    Attributes:
        batch: what this rank loaded; without labels where nothing of it was readable.
        learning_rate: of the update.
        ends_epoch: whether it was the epoch's last.
        update: None where no rank had anything to learn from.
    """

    batch: LoadedBatch
    learning_rate: float
    ends_epoch: bool
    update: Update | None


class Hook:
    """Does something at fixed moments of a run; unless overridden, nothing."""

    def on_epoch_start(self) -> None:
        """Called before the first step of an epoch, and where a run goes on within one."""

    def on_step(self, step: StepResult) -> None:
        """Called after every step."""

    def on_epoch_end(self, epoch: int, *, is_last: bool) -> None:
        """Called after the last step of an epoch; the position is at the start of the next.

        Args:
            epoch: the epoch that is done, from 1.
            is_last: whether the run ends with it.
        """

    def on_end(self) -> None:
        """Called when the run is over."""

    def should_stop(self) -> bool:
        """Returns whether the run ends before the coming epoch."""
        return False


class NanGuard(Hook):
    """Stops at a loss that is not finite: every n steps, before a checkpoint, after each epoch.

    Args:
        state: the run's state.
        every: looks at every n-th step.
        run_dir: where the batch is kept.
        rank: this process.
    """

    def __init__(self, state: CheckpointState, every: int, run_dir: Path, rank: int) -> None:
        self._state = state
        self._every = every
        self._run_dir = run_dir
        self._rank = rank
        self._unchecked: tuple[int, LoadedBatch, Losses, paddle.Tensor] | None = None

    def on_step(self, step: StepResult) -> None:
        """Raises TrainingError where the step is looked at and its loss is not finite."""
        if step.update is None:
            return
        count = self._state.progress.global_step
        self._unchecked = (count, step.batch, step.update.losses, step.update.local_loss)
        if count % self._every == 0:
            self.check()

    def on_epoch_end(self, epoch: int, *, is_last: bool) -> None:
        """Raises TrainingError where the epoch's last loss is not finite."""
        del epoch, is_last
        self.check()

    def check(self) -> None:
        """Looks at the loss of the last update; every rank must, at the same step.

        Raises:
            TrainingError: it is not finite.
        """
        if self._unchecked is None:
            return
        count, batch, losses, local_loss = self._unchecked
        check_finite(losses, local_loss, batch, step=count, run_dir=self._run_dir, rank=self._rank)
        self._unchecked = None

    def is_finite(self) -> bool:
        """Returns whether the loss of the last update is, as one rank may look by itself."""
        return self._unchecked is None or isfinite(float(self._unchecked[2]["loss"]))


class StepLog(Hook):
    """Logs PaddleOCR's line every n steps, and samples that cannot be read.

    Args:
        state: the run's state.
        log: where to.
        settings: Global: how often, and what of it.
        timer: measures the steps.
        metric: of the training batches' accuracy.
        texts_of: float32 logits [N, T, K] → the N texts read.
    """

    def __init__(
        self,
        state: CheckpointState,
        log: RunLog,
        settings: GlobalConfig,
        timer: StepTimer,
        metric: RecMetric,
        texts_of: Callable[[paddle.Tensor], list[str]],
    ) -> None:
        self._state = state
        self._log = log
        self._settings = settings
        self._timer = timer
        self._metric = metric
        self._texts_of = texts_of
        self._recent: deque[Losses] = deque(maxlen=settings.log_smooth_window)

    def on_step(self, step: StepResult) -> None:
        """Logs what the step has to say."""
        if step.update:
            self._recent.append(step.update.losses)
        for message in step.batch.bad:
            self._log.info(f"left out: {message}")
        due = self._state.progress.global_step % self._settings.print_batch_step == 0
        if due and step.update and step.batch.labels:
            accuracy = self._accuracy(step.update.logits, step.batch.labels)
            self._write({"lr": step.learning_rate, **accuracy}, step.update.losses)

    def _write(self, values: dict[str, float], losses: Losses) -> None:
        progress = self._state.progress
        for name in losses:  # medians of the last steps, as PaddleOCR prints them
            values[name] = median(float(recent[name]) for recent in self._recent)
        timer, epochs = self._timer, progress.last_epoch
        self._log.info(
            step_line(
                progress.epoch, epochs, progress.global_step, values, timer, progress.steps_left
            )
        )
        ips = timer.samples / max(timer.elapsed_s, 1e-9)
        self._log.metrics("train", global_step=progress.global_step, ips=ips, **values)
        timer.restart()

    def _accuracy(self, logits: paddle.Tensor, labels: Sequence[str]) -> dict[str, float]:
        """Returns the accuracy of a batch, where it is to be logged."""
        due = self._state.progress.epoch % self._settings.calc_epoch_interval == 0
        if not (self._settings.cal_metric_during_train and due):
            return {}
        self._metric.reset()
        self._metric.update(self._texts_of(logits), labels)
        summary = self._metric.summary()
        return {"acc": summary["acc"], "norm_edit_dis": summary["norm_edit_dis"]}


class HeartbeatHook(Hook):
    """Writes the run's sign of life."""

    def __init__(self, state: CheckpointState, heartbeat: Heartbeat) -> None:
        self._state = state
        self._heartbeat = heartbeat

    def beat(self) -> None:
        """Beats, if the last beat is long ago; long evaluations call this too."""
        progress = self._state.progress
        self._heartbeat.beat(progress.epoch, progress.global_step, progress.steps_left)

    def on_epoch_start(self) -> None:
        """Beats before the first step, which may take long."""
        self.beat()

    def on_step(self, step: StepResult) -> None:  # noqa: ARG002 (the position says it all)
        """Beats after a step."""
        self.beat()

    def on_end(self) -> None:
        """Says that the run is over."""
        progress = self._state.progress
        self._heartbeat.end(progress.epoch - 1, progress.global_step)


class Checkpoints(Hook):
    """Writes checkpoints; rank 0 does.

    Args:
        state: what to write.
        settings: Global: how often.
        run_dir: where to.
        is_main_process: False writes nothing.
        guard: looks at the loss before anything is written; None does not.
    """

    def __init__(
        self,
        state: CheckpointState,
        settings: GlobalConfig,
        run_dir: Path,
        is_main_process: bool,
        guard: NanGuard | None = None,
    ) -> None:
        self._state = state
        self._settings = settings
        self._run_dir = run_dir
        self._writes = is_main_process
        self._guard = guard
        self._saved_at = time.monotonic()

    def save(self, name: str) -> None:
        """Writes a checkpoint of the present position; every rank calls it at the same step.

        Raises:
            TrainingError: the last loss or a weight is not finite; nothing is written.
        """
        if self._guard:
            self._guard.check()
            if weight := self._state.nonfinite():
                raise TrainingError(
                    f"{weight} is not finite after step {self._state.progress.global_step}, though "
                    "the loss was. Lower Optimizer.lr.learning_rate or set "
                    "Optimizer.clip_norm_global; the last checkpoint is unharmed."
                )
        if not self._writes:
            return
        previous = self._run_dir / PREVIOUS if name == LATEST else None
        self._state.save(self._run_dir / name, previous)
        if name == LATEST:
            self._saved_at = time.monotonic()

    def on_step(self, step: StepResult) -> None:
        """Saves within an epoch, where the configuration asks for it."""
        if step.ends_epoch:
            return
        settings, count = self._settings, self._state.progress.global_step
        if settings.save_step_every and count % settings.save_step_every == 0:
            self.save(LATEST)
        elif self._writes and settings.save_minutes:
            minutes = (time.monotonic() - self._saved_at) / 60
            # Only this rank's clock says so: it must not stop here, where the others go on.
            if minutes >= settings.save_minutes and self._is_finite():
                self.save(LATEST)

    def _is_finite(self) -> bool:
        """Returns whether loss and weights are, as one rank may look by itself."""
        return not self._guard or (self._guard.is_finite() and self._state.nonfinite() is None)

    def on_epoch_end(self, epoch: int, *, is_last: bool) -> None:
        """Saves the epoch; drops the oldest one that is not to be kept."""
        del is_last
        settings = self._settings
        if epoch % settings.save_epoch_step == 0:
            self.save(f"iter_epoch_{epoch}")
            if settings.keep_checkpoints and self._writes:
                oldest = epoch - settings.keep_checkpoints * settings.save_epoch_step
                checkpoint.remove(self._run_dir / f"iter_epoch_{oldest}")
        self.save(LATEST)


class Evaluation(Hook):
    """Evaluates on the validation set, and keeps the best checkpoint.

    Args:
        state: the run's state; its averaged weights are evaluated.
        network: in evaluation mode meanwhile.
        evaluate: gives the metrics of the network as it is then.
        settings: Global: how often.
        main_indicator: the metric that decides which checkpoint is best.
        log: where the metrics go.
        timer: does not count the time of evaluations.
        save_best: called where an evaluation was the best so far.
    """

    def __init__(
        self,
        state: CheckpointState,
        network: nn.Layer,
        evaluate: Evaluate,
        settings: GlobalConfig,
        main_indicator: str,
        log: RunLog,
        timer: StepTimer,
        save_best: Callable[[], None],
    ) -> None:
        self._state = state
        self._network = network
        self._evaluate = evaluate
        self._settings = settings
        self._main_indicator = main_indicator
        self._log = log
        self._timer = timer
        self._save_best = save_best

    def on_step(self, step: StepResult) -> None:
        """Evaluates within an epoch, where the configuration counts in steps."""
        if not step.ends_epoch and not self._settings.eval_batch_epoch and self._due_by_step():
            self._run(self._state.progress.epoch)

    def on_epoch_end(self, epoch: int, *, is_last: bool) -> None:
        """Evaluates after an epoch, where it is due, and after the last."""
        every = self._settings.eval_batch_epoch
        if is_last or (epoch % every == 0 if every else self._due_by_step()):
            self._run(epoch)

    def _due_by_step(self) -> bool:
        first, every = self._settings.eval_batch_step
        step = self._state.progress.global_step
        return step > first and (step - first) % every == 0

    def _run(self, epoch: int) -> None:
        paused_at = self._timer.pause()
        self._network.eval()
        with self._state.averaged():
            values = self._evaluate()
        self._network.train()
        progress = self._state.progress
        self._log.info(metric_line("cur metric", values))
        self._log.metrics("eval", global_step=progress.global_step, epoch=epoch, **values)
        progress.evals_since_best += 1
        # A first value of 0 is not an improvement: nothing was recognised.
        if values[self._main_indicator] > progress.best.get(self._main_indicator, 0.0):
            progress.best = {**values, "best_epoch": epoch}
            progress.evals_since_best = 0
            self._save_best()
        if progress.best:
            self._log.info(metric_line("best metric", progress.best))
        self._timer.resume(paused_at)


class EpochClock(Hook):
    """Measures epochs: the time budget plans with what the last one took."""

    def __init__(self, state: CheckpointState, parallel: Parallel) -> None:
        self._state = state
        self._parallel = parallel
        self._started_at = time.monotonic()

    def on_epoch_start(self) -> None:
        """Starts the clock, within an epoch where it stood when the checkpoint was written."""
        self._started_at = time.monotonic() - self._state.progress.partial_epoch_s

    def on_step(self, step: StepResult) -> None:  # noqa: ARG002
        """Notes the time for a checkpoint within the epoch."""
        self._state.progress.partial_epoch_s = time.monotonic() - self._started_at

    def on_epoch_end(self, epoch: int, *, is_last: bool) -> None:
        """Takes rank 0's time for all."""
        del epoch, is_last
        progress = self._state.progress
        progress.epoch_s = self._parallel.broadcast_from_rank0(
            lambda: time.monotonic() - self._started_at
        )
        progress.elapsed_s += progress.epoch_s
        progress.partial_epoch_s = 0.0


class EarlyStopping(Hook):
    """Ends a run after a number of evaluations without a better one."""

    def __init__(self, state: CheckpointState, patience: int) -> None:
        self._state = state
        self._patience = patience

    def should_stop(self) -> bool:
        """Returns whether patience is at its end."""
        return self._state.progress.evals_since_best >= self._patience
