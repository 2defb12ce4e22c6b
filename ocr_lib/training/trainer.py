"""The training loop.

Exact resume rests on three things: batches and augmentation are functions of (seed, epoch,
position), dropout is reseeded for every step, and the learning rate is a function of the
position.
What a checkpoint must hold is then only the weights, the optimiser's state and the position.
"""

from collections.abc import Sequence

import paddle
from paddle.optimizer import Optimizer

from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.optim.schedules import Rate, RunLength
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.data import TrainLoader
from ocr_lib.training.hooks import Hook, StepResult, Update
from ocr_lib.training.log import RunLog, StepTimer
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.system import RecognitionSystem
from ocr_lib.training.time_budget import EpochBudget, budget_of_epoch
from ocr_lib.training.train_state import TrainState

RANK_SEED = 1_000_003  # ranks draw dropout from seeds so far apart


class Trainer:
    """Trains a network from a position to the end of the run.

    Args:
        settings: Global.
        system: the network and its loss.
        optimizer: over the network's parameters.
        state: what a checkpoint holds: weights, optimiser, position.
        loader: the training batches.
        schedule: step of the schedule → learning rate.
        length: steps in an epoch and epochs.
        parallel: the processes that train this network together.
        log: the run's log.
        timer: measures steps and the waiting for batches.
        hooks: what else happens, in this order.
    """

    def __init__(
        self,
        settings: GlobalConfig,
        *,
        system: RecognitionSystem,
        optimizer: Optimizer,
        state: CheckpointState,
        loader: TrainLoader,
        schedule: Rate,
        length: RunLength,
        parallel: Parallel,
        log: RunLog,
        timer: StepTimer,
        hooks: Sequence[Hook],
    ) -> None:
        self.system = system
        self.state = state
        self.length = length
        self._settings = settings
        self._optimizer = optimizer
        self._loader = loader
        self._schedule = schedule
        self._parallel = parallel
        self._log = log
        self._timer = timer
        self._hooks = hooks

    def fit(self) -> TrainState:
        """Trains to the end, to early stopping, or to an error; returns where the run ended.

        Raises:
            TrainingError: the loss is not finite; the batch is saved next to the checkpoints.
        """
        self.system.network.train()
        self.state.begin_average()
        while (budget := self.next_budget()) and not self._stops():
            self._run_epoch(budget)
        for hook in self._hooks:
            hook.on_end()
        return self.state.progress

    def is_over(self) -> bool:
        """Returns whether there is nothing left to train."""
        return self.next_budget() is None or self._stops()

    def _stops(self) -> bool:
        return any(hook.should_stop() for hook in self._hooks)

    def next_budget(self) -> EpochBudget | None:
        """Returns the budget of the epoch to do next; None where the run is over."""
        progress, minutes = self.state.progress, self._settings.train_minutes
        if progress.step_in_epoch:  # resumed within an epoch
            return progress.pace
        steps = self.length.steps_per_epoch
        begin = progress.pace.schedule_step(steps) if progress.pace else 0.0
        left_s = None if minutes is None else minutes * 60 - progress.elapsed_s
        return budget_of_epoch(self.length, progress.epoch, begin, left_s, progress.epoch_s)

    def update(self, batch: LoadedBatch, step: int, learning_rate: float) -> Update:
        """Does one optimiser update.

        Args:
            batch: this rank's; without labels, the rank takes part with a dummy batch.
            step: updates done before, which decide the dropout.
            learning_rate: of the update.
        """
        # Dropout of a step is the same after a resume.
        paddle.seed(self._settings.seed + step + RANK_SEED * self._parallel.rank)
        counted = bool(batch.labels)
        learnt = batch if counted else self._loader.dummy_batch(self.state.progress.epoch)
        tensors = {name: paddle.to_tensor(array) for name, array in learnt.arrays.items()}
        output = self.system.loss(tensors.pop("image"), tensors)
        sync, loss_scale = self.system.gradient_sync, self.system.precision.loss_scale
        total = loss_scale.scaled(output.losses["loss"])
        losses = sync.backward(total, output.losses, counted=counted)
        self._optimizer.set_lr(learning_rate)
        if loss_scale.unscale(sync.gradients()):
            self.state.update()
        else:
            self._log.info(loss_scale.describe(step + 1))
        self._optimizer.clear_grad()
        return Update(losses, output.losses["loss"].detach(), output.logits.detach())

    def _run_epoch(self, budget: EpochBudget) -> None:
        progress = self.state.progress
        progress.pace, progress.steps_per_epoch = budget, self.length.steps_per_epoch
        for hook in self._hooks:
            hook.on_epoch_start()
        epoch, batches = progress.epoch, self._loader.plan_epoch(progress.epoch)
        self._timer.restart()
        for batch in self._loader.load(batches[progress.step_in_epoch :], epoch):
            self._timer.loaded()
            self._run_step(batch, len(batches))
        progress.epoch += 1
        progress.step_in_epoch = 0
        for hook in self._hooks:
            hook.on_epoch_end(epoch, is_last=budget.epochs_left == 1)

    def _run_step(self, batch: LoadedBatch, steps_per_epoch: int) -> None:
        progress = self.state.progress
        assert progress.pace is not None
        learning_rate = self._schedule(progress.pace.schedule_step(progress.step_in_epoch))
        update = None
        if batch.labels or self._parallel.world_size > 1:
            update = self.update(batch, progress.global_step, learning_rate)
        progress.global_step += 1
        progress.step_in_epoch += 1
        self._timer.stepped(len(batch.labels))
        ends_epoch = progress.step_in_epoch == steps_per_epoch
        step = StepResult(batch, learning_rate, ends_epoch, update)
        for hook in self._hooks:
            hook.on_step(step)
