"""A whole training run, in four stages: resolve the configuration, open the data, build, loop."""

import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ocr_lib.atomic import write_text
from ocr_lib.config.characters import named_dictionary, write_dictionary
from ocr_lib.config.schema import Config
from ocr_lib.data.loading.batches import Batch
from ocr_lib.errors import ConfigError
from ocr_lib.text.dictionary import Charset
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.bn_recalibration import recalibrate_to
from ocr_lib.training.data import DataLoaders, build_data
from ocr_lib.training.ema import EMASettings
from ocr_lib.training.log import PeerLog, RunLog
from ocr_lib.training.loop import build_trainer
from ocr_lib.training.parallel import Parallel, init_process_group
from ocr_lib.training.plan import TrainPlan, resolve
from ocr_lib.training.resume import StartPoint
from ocr_lib.training.run_dir import (
    BEST,
    LATEST,
    PREVIOUS,
    RunRecord,
    config_digest,
    result_checkpoint,
)
from ocr_lib.training.time_budget import epochs_within
from ocr_lib.training.trainer import Trainer

TRIAL_EPOCHS = 100  # of the schedule that the timed batches of a time budget run in
TRIAL_RATE = 1e-4


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        run_dir: the run directory.
        epochs: epochs trained, those before a resume counted.
        steps: optimiser updates.
        samples: training samples used in each epoch.
        best: metrics of the best evaluation; empty where nothing was evaluated.
        seconds: wall time of this process's part of the run.
        resumed_from: the step this process began at.
        checkpoint: the one to use: the best, or the last where no evaluation made one.
    """

    run_dir: Path
    epochs: int
    steps: int
    samples: int
    best: dict[str, float]
    seconds: float
    resumed_from: int
    checkpoint: str = BEST


def train(config: Config, *, fresh: bool = False, quiet: bool = False) -> RunResult:
    """Trains what the configuration says, into `Global.save_model_dir`.

    A folder that holds an unfinished run of the same configuration is continued from its last
    checkpoint; a finished one is left as it is. Where a launcher started several processes, each
    calls this, and all return the same result.

    Args:
        config: the configuration.
        fresh: start over in a directory that holds a run already.
        quiet: log to the run directory only.

    Raises:
        ConfigError: the folder holds a run of another configuration, or the data cannot be used.
        CheckpointError: a checkpoint to start from is missing or does not fit.
        TrainingError: the loss is not finite.
        PeerError: another process of the run stopped or does not answer.
    """
    plan = resolve(config)
    settings = plan.settings
    if not settings.use_gpu:
        paddle.set_device("cpu")
    with closing(init_process_group(settings.peer_minutes, settings.use_gpu)) as parallel:
        try:
            log = RunLog(plan.run_dir, quiet) if parallel.is_main_process else PeerLog()
            with closing(log), closing(build_data(plan, log, parallel, fresh=fresh)) as data:
                return _run(plan, data, parallel, log, fresh)
        except BaseException as error:
            parallel.report_failure(error)
            raise


def _run(
    plan: TrainPlan, data: DataLoaders, parallel: Parallel, log: RunLog, fresh: bool
) -> RunResult:
    started = time.monotonic()
    digest = config_digest(plan.config, data.charset)
    parallel.assert_equal_across_ranks("Train.dataset", f"{digest} {data.train.digest}")
    if parallel.is_main_process:
        checkpoint.recover(plan.run_dir)
    samples = data.train.sample_count  # before planning draws another share of a ratio below 1
    stored = _stored_record(plan, data, digest, parallel, fresh)
    epochs = stored.epochs if stored else _planned_epochs(plan, data, parallel, log)
    record = RunRecord(epochs, digest, samples)
    trainer = build_trainer(plan, data, epochs, parallel, log)
    start = StartPoint(plan.settings, data.charset, parallel, log)
    network = trainer.system.network
    pretrained = start.restore(network, trainer.state, resume=stored is not None)
    if pretrained and (count := plan.settings.recalibrate_norms):
        recalibrate_to(network, data.train, count, parallel, log)
    progress = trainer.state.progress
    progress.rescale(trainer.length.steps_per_epoch)
    if stored is None and trainer.is_over():
        raise _nothing_left(plan, progress.epoch - 1, epochs)
    if parallel.is_main_process:  # all that can be wrong was looked at
        if stored is None:
            _begin(plan, data.charset)
        record.save(plan.run_dir)
    log.open()
    _announce(plan, record, data, trainer, parallel, log)
    resumed_from = progress.global_step
    progress = trainer.fit()
    weights.compare_ranks(trainer.system.network, parallel, log)
    result = parallel.broadcast_from_rank0(lambda: result_checkpoint(plan.run_dir))
    if result != BEST and data.validation is not None:
        before = " after the checkpoint that it went on from" if progress.best else ""
        log.info(f"no evaluation was the best{before}: use the checkpoint {plan.run_dir / result}")
    return RunResult(
        run_dir=plan.run_dir,
        epochs=progress.epoch - 1,
        steps=progress.global_step,
        samples=record.samples,
        best=progress.best,
        seconds=time.monotonic() - started,
        resumed_from=resumed_from,
        checkpoint=result,
    )


def _nothing_left(plan: TrainPlan, done: int, epochs: int) -> ConfigError:
    """Returns the error for a new run that would end before it begins, without any weights."""
    source = f"and {plan.settings.checkpoints}, which the run goes on from, has done {done} epochs"
    if plan.settings.train_minutes is not None:
        cause = f"is {plan.settings.train_minutes:g}, {source} and all of its schedule"
        fix = "Use Global.pretrained_model to start a new schedule from its weights"
        return ConfigError("Global.train_minutes", cause, fix)
    if done >= epochs:
        fix = f"Raise it to more than {done}, or use Global.pretrained_model to start a new run"
        return ConfigError("Global.epoch_num", f"is {epochs}, {source}", fix)
    cause = f"is {plan.settings.early_stop_evals}, {source} and as many evaluations without a best"
    return ConfigError("Global.early_stop_evals", cause, "Raise it, or leave it unset")


def _stored_record(
    plan: TrainPlan, data: DataLoaders, digest: str, parallel: Parallel, fresh: bool
) -> RunRecord | None:
    """Returns the record of the run that goes on here; None where a new one begins.

    Raises:
        ConfigError: the folder holds a run of another configuration or other data.
    """
    if fresh:
        return None
    content = parallel.broadcast_from_rank0(lambda: _stored_values(plan, data, digest))
    return None if content is None else RunRecord(**content)


def _stored_values(plan: TrainPlan, data: DataLoaders, digest: str) -> dict[str, Any] | None:
    record, settings = RunRecord.load(plan.run_dir), plan.settings
    if record is None:
        return None
    if (record.config_digest, record.samples) != (digest, data.train.sample_count):
        raise ConfigError(
            "Global.save_model_dir",
            f"{plan.run_dir} holds a run of another configuration or other data",
            "Name another folder, or pass --fresh to start over in this one",
        )
    if settings.train_minutes is None:  # training longer (or shorter) than planned is a wish
        record = replace(record, epochs=settings.epoch_num)
    return asdict(record)


def _planned_epochs(plan: TrainPlan, data: DataLoaders, parallel: Parallel, log: RunLog) -> int:
    """Returns the epochs of a new run: as configured, or as many as fit into the time budget."""
    minutes = plan.settings.train_minutes
    if minutes is None:
        epochs = plan.settings.epoch_num
    else:
        trial = build_trainer(plan, data, TRIAL_EPOCHS, parallel, log)
        batches, step = data.train.plan_epoch(1), 0

        def train_on(batch: Batch) -> None:
            nonlocal step
            trial.update(data.train.load_now(batch, 0), step, TRIAL_RATE)
            step += 1

        pixels = _eval_pixels_per_epoch(plan, data, len(batches))
        epochs = epochs_within(minutes, batches, train_on, pixels)
    return parallel.broadcast_from_rank0(lambda: epochs)


def _eval_pixels_per_epoch(plan: TrainPlan, data: DataLoaders, steps_per_epoch: int) -> float:
    """Returns samples times padded width that evaluations read in each epoch, on average."""
    if data.validation is None:
        return 0.0
    sizes = np.maximum(data.validation.sizes, 1)  # 0 where unreadable
    pixels = float(plan.preprocess.buckets_of(sizes).sum())
    settings = plan.settings
    if settings.eval_batch_epoch:
        return pixels / settings.eval_batch_epoch
    return pixels * steps_per_epoch / settings.eval_batch_step[1]


def _begin(plan: TrainPlan, charset: Charset) -> None:
    """Clears what an older run left, so that nothing of it is taken for this one's."""
    for name in (LATEST, PREVIOUS):
        checkpoint.remove(plan.run_dir / name)
    for manifest in plan.run_dir.glob("*.json"):
        if manifest.with_suffix(".pdparams").exists():
            checkpoint.remove(manifest.with_suffix(""))
    write_dictionary(charset, plan.run_dir)
    write_text(plan.run_dir / "config.yml", named_dictionary(plan.config).to_yaml())


def _announce(
    plan: TrainPlan,
    record: RunRecord,
    data: DataLoaders,
    trainer: Trainer,
    parallel: Parallel,
    log: RunLog,
) -> None:
    """Logs what the run will do."""
    settings, progress = plan.settings, trainer.state.progress
    minutes, parameters = settings.train_minutes, trainer.system.parameter_count
    about = "" if minutes is None else f"about {minutes:g} minutes, first taken for "
    log.info(
        f"{parameters / 1e6:.2f} M parameters, {record.samples} samples, "
        f"{trainer.length.steps_per_epoch} steps an epoch, {about}{record.epochs} epochs"
    )
    sentences = [trainer.system.precision.describe(), parallel.describe()]
    ema = EMASettings.from_settings(settings)
    if ema:
        sentences.append("a moving average of the weights is evaluated and kept")
    if data.validation is None:
        average = ", with averaged weights" if ema else ""
        sentences.append(f"no validation set: the result is the last checkpoint{average}")
    for sentence in filter(None, sentences):
        log.info(sentence)
    if trainer.next_budget() is None:
        log.info(f"nothing to do: the run in {plan.run_dir} is complete")
    elif progress.global_step:
        log.info(f"going on from epoch {progress.epoch}, step {progress.global_step}")
