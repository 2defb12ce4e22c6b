"""The loop of a run, put together: optimiser, schedule and hooks around a system and its data."""

import numpy as np
import paddle
from numpy.typing import NDArray

from ocr_lib.evaluation.metrics import RecMetric, metric_config
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.optim.schedules import RunLength, build_schedule
from ocr_lib.training.checkpoint_state import CheckpointState
from ocr_lib.training.data import DataLoaders
from ocr_lib.training.ema import EMASettings
from ocr_lib.training.heartbeat import Heartbeat
from ocr_lib.training.hooks import (
    Checkpoints,
    EarlyStopping,
    EpochClock,
    Evaluation,
    HeartbeatHook,
    Hook,
    NanGuard,
    StepLog,
)
from ocr_lib.training.log import RunLog, StepTimer
from ocr_lib.training.optimizer import build_optimizer
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import TrainPlan
from ocr_lib.training.recognizer import forward_of
from ocr_lib.training.run_dir import BEST
from ocr_lib.training.system import RecognitionSystem
from ocr_lib.training.trainer import Trainer
from ocr_lib.training.validation import build_evaluation


def build_trainer(
    plan: TrainPlan, data: DataLoaders, epochs: int, parallel: Parallel, log: RunLog
) -> Trainer:
    """Builds network, optimiser and hooks from the plan's seed; every call builds the same.

    Args:
        plan: the run.
        data: its data.
        epochs: to train; with a time budget the first estimate.
        parallel: the processes that train the network together.
        log: the run's log.

    Raises:
        ConfigError: network, loss, optimiser or schedule are not configured rightly.
    """
    settings = plan.settings
    system = RecognitionSystem(plan, data.charset, parallel)
    optimizer = build_optimizer(plan.optimizer, system.network)
    loss_scale = system.precision.loss_scale
    ema = EMASettings.from_settings(settings)
    state = CheckpointState(system.network, optimizer, loss_scale, ema)
    timer = StepTimer()
    length = RunLength(len(data.train.plan_epoch(1)), epochs)
    return Trainer(
        settings,
        system=system,
        optimizer=optimizer,
        state=state,
        loader=data.train,
        schedule=build_schedule(plan.optimizer.lr, length),
        length=length,
        parallel=parallel,
        log=log,
        timer=timer,
        hooks=_build_hooks(plan, data, system, state, timer, parallel, log),
    )


def _build_hooks(
    plan: TrainPlan,
    data: DataLoaders,
    system: RecognitionSystem,
    state: CheckpointState,
    timer: StepTimer,
    parallel: Parallel,
    log: RunLog,
) -> list[Hook]:
    """Returns the hooks in their order.

    A bad loss stops the run before a checkpoint is written. An evaluation may save the best
    checkpoint and counts as time of its epoch; the epoch's checkpoint comes last, with all of that
    in it.
    """
    settings = plan.settings
    # On a GPU reading a loss waits for the device: there it is read at log steps, and before a
    # checkpoint is written.
    on_cpu = str(paddle.get_device()) == "cpu"
    decode = plan.algorithm.tokenizer.decode

    def texts_of(logits: paddle.Tensor) -> list[str]:
        arrays = logits.astype("float32").numpy()
        return [recognition.text for recognition in decode(arrays, data.charset)]

    metric = RecMetric.of(plan.metric)
    hooks: list[Hook] = []
    guard = None
    if settings.check_finite:
        every = 1 if on_cpu else settings.print_batch_step
        guard = NanGuard(state, every, plan.run_dir, parallel.rank)
        hooks.append(guard)
    is_main = parallel.is_main_process
    checkpoints = Checkpoints(state, settings, plan.run_dir, is_main, guard)
    heartbeat = HeartbeatHook(state, Heartbeat(plan.run_dir))
    if parallel.is_main_process:
        hooks.append(heartbeat)
    hooks.append(StepLog(state, log, settings, timer, metric, texts_of))
    if data.validation is not None:
        forward = forward_of(system.logits)

        def read(images: NDArray[np.float32]) -> NDArray[np.float32]:
            if parallel.is_main_process:
                heartbeat.beat()
            return forward(images)

        recognizer = Recognizer(plan.preprocess, data.charset, read, decode=decode)
        hooks.append(
            Evaluation(
                state,
                system.network,
                build_evaluation(recognizer, data.validation, metric, parallel),
                settings,
                metric_config(plan.metric).main_indicator,
                log,
                timer,
                save_best=lambda: checkpoints.save(BEST),
            )
        )
    hooks += [EpochClock(state, parallel), checkpoints]
    if settings.early_stop_evals is not None:
        hooks.append(EarlyStopping(state, settings.early_stop_evals))
    return hooks
