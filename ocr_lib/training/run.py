"""A whole training run: from a configuration to a run folder, resuming what was begun."""

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ocr_lib.algorithms.choice import algorithm_of, reading_network
from ocr_lib.atomic import write_text
from ocr_lib.config.characters import DICTIONARY, named_dictionary, trained_dictionary
from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.data.loading.batches import Batch, plan_epoch, shard
from ocr_lib.data.loading.dataloader import BatchBuilder, DataLoader
from ocr_lib.data.loading.multi_scale import MultiScale
from ocr_lib.data.loading.sample_table import SampleTable
from ocr_lib.data.loading.targets import Targets
from ocr_lib.data.roles import NOT_TRAIN
from ocr_lib.data.transforms import build_augmentation, build_concatenation
from ocr_lib.errors import ConfigError
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from ocr_lib.optim.schedules import RunLength
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.check_trainable import check_trainable
from ocr_lib.training.log import PeerLog, RunLog
from ocr_lib.training.logits import texts_of
from ocr_lib.training.optimizer import build_optimizer
from ocr_lib.training.parallel import Parallel, init_process_group
from ocr_lib.training.resume import StartPoint
from ocr_lib.training.run_dir import config_digest
from ocr_lib.training.run_plan import RunPlan, epochs_within
from ocr_lib.training.sample_filter import select_samples
from ocr_lib.training.subnetworks import sub_network
from ocr_lib.training.sync_bn import synchronise
from ocr_lib.training.trainer import Trainer
from ocr_lib.training.validation import Evaluate, build_evaluation, forward_of, validation_dataset


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        run_dir: the run folder.
        epochs: epochs trained, those before a resume counted.
        steps: optimiser updates.
        samples: training samples used in each epoch.
        best: metrics of the best evaluation; empty where nothing was evaluated.
        seconds: wall time of this process's part of the run.
        resumed_from: the step this process began at.
    """

    run_dir: Path
    epochs: int
    steps: int
    samples: int
    best: dict[str, float]
    seconds: float
    resumed_from: int


def train(config: Config, *, fresh: bool = False, quiet: bool = False) -> RunResult:
    """Trains what the configuration says, into `Global.save_model_dir`.

    A folder that holds an unfinished run of the same configuration is continued from its last
    checkpoint; a finished one is left as it is. Where a launcher started several processes, each
    calls this, and all return the same result.

    Args:
        config: the configuration.
        fresh: start over in a directory that holds a run already.
        quiet: log to the run folder only.

    Raises:
        ConfigError: the folder holds a run of another configuration, or the data cannot be used.
        CheckpointError: a checkpoint to start from is missing or does not fit.
        TrainingError: the loss is not finite.
        PeerError: another process of the run stopped or does not answer.
    """
    check_trainable(config)
    settings = config.global_
    if not settings.use_gpu:
        paddle.set_device("cpu")
    with closing(init_process_group(settings.peer_minutes, settings.use_gpu)) as parallel:
        try:
            return _train(config, parallel, fresh, quiet)
        except BaseException as error:
            parallel.failed(error)
            raise


def _train(config: Config, parallel: Parallel, fresh: bool, quiet: bool) -> RunResult:
    run_dir = Path(config.global_.save_model_dir)
    with closing(RunLog(run_dir, quiet) if parallel.is_main_process else PeerLog()) as log:
        run = _Run(config, log, parallel)
        with closing(run.loader):
            return run.train(fresh)


class _Run:
    """The parts of a run, put together."""

    def __init__(self, config: Config, log: RunLog, parallel: Parallel) -> None:
        self.config = config
        self.log = log
        self.parallel = parallel
        self.settings = config.global_
        self.run_dir = Path(self.settings.save_model_dir)
        self.preprocess = Preprocess.from_config(config)
        self.reading = reading_network(config)
        self.decode = algorithm_of(config).tokenizer.decode
        self.dataset = open_dataset(config.train, NOT_TRAIN)
        self.dictionary = trained_dictionary(config, self.dataset.labels())
        self.targets = Targets.of(config, self.dictionary)
        self.scales = MultiScale.of(config.train)
        self.samples = self._select()
        transforms = config.train.dataset.transforms
        reader = BatchBuilder(
            dataset=self.dataset,
            samples=self.samples,
            preprocess=self.preprocess,
            augment=build_augmentation(transforms, config.allowed_parts),
            join=build_concatenation(transforms, self.settings.max_text_length),
            targets=self.targets,
            seed=self.settings.seed,
        )
        self.loader = DataLoader(reader, config.train.loader.num_workers)
        self.validation = validation_dataset(config, log)

    def train(self, fresh: bool) -> RunResult:
        started = time.monotonic()
        plan, is_new = self._plan(fresh)
        trainer = self._trainer(plan.epochs)
        start = StartPoint(self.settings, self.dictionary, self.parallel, self.log)
        start.restore(trainer, own=not is_new)
        if self.parallel.is_main_process:  # all that can be wrong was looked at
            if is_new:
                self._begin()
            plan.save(self.run_dir)
        self.log.open()
        resumed_from = trainer.position.global_step
        self._announce(plan, trainer)
        position = trainer.run()
        weights.compare_ranks(trainer.model, self.parallel, self.log)
        return RunResult(
            run_dir=self.run_dir,
            epochs=position.epoch - 1,
            steps=position.global_step,
            samples=plan.samples,
            best=position.best,
            seconds=time.monotonic() - started,
            resumed_from=resumed_from,
        )

    def _plan(self, fresh: bool) -> tuple[RunPlan, bool]:
        """Returns the plan of the run begun here, or a new one, and whether it is new."""
        self.parallel.assert_equal_across_ranks(
            "Train.dataset", f"{self._digest()} {self.samples.digest}"
        )
        stored = self.parallel.broadcast_from_rank0(lambda: self._stored_plan(fresh))
        if stored is not None:
            return RunPlan(**stored), False
        epochs = self._epochs()
        epochs = self.parallel.broadcast_from_rank0(lambda: epochs)
        return RunPlan(epochs, self._digest(), len(self.samples.indices)), True

    def plan_epoch(self, epoch: int) -> list[Batch]:
        """Returns this rank's batches of an epoch."""
        if self.dataset.resample(epoch):
            self.samples = self._select()
        batches = self._batches(epoch)
        return shard(batches, self.parallel.rank, self.parallel.world_size)

    def _batches(self, epoch: int) -> list[Batch]:
        """Returns all ranks' batches of an epoch."""
        if self.scales is not None:
            sizes = np.maximum(self.dataset.sizes, 1)  # 0 where unreadable
            return self.scales.plan(sizes, self.samples.indices, self.settings.seed, epoch)
        loader = self.config.train.loader
        return plan_epoch(
            self.samples.widths,
            self.samples.indices,
            batch_size=loader.batch_size_per_card,
            reference_width=self.samples.reference_width,
            seed=self.settings.seed,
            epoch=epoch,
            shuffle=loader.shuffle,
            narrow_first=epoch <= self.settings.narrow_first_epochs,
            drop_last=loader.drop_last,
        )

    def _select(self) -> SampleTable:
        return select_samples(
            self.dataset, self.config, self.preprocess, self.targets, self.log, self.scales
        )

    def _digest(self) -> str:
        return config_digest(self.config, self.dictionary)

    def _stored_plan(self, fresh: bool) -> dict[str, Any] | None:
        plan = None if fresh else RunPlan.load(self.run_dir)
        if plan is None:
            return None
        if plan.config_digest != self._digest() or plan.samples != len(self.samples.indices):
            raise ConfigError(
                "Global.save_model_dir",
                f"{self.run_dir} holds a run of another configuration or other data",
                "Name another folder, or pass --fresh to start over in this one",
            )
        if self.settings.train_minutes is None and plan.epochs != self.settings.epoch_num:
            # training longer (or shorter) than planned is a wish
            plan = RunPlan(self.settings.epoch_num, plan.config_digest, plan.samples)
        return asdict(plan)

    def _begin(self) -> None:
        """Clears what an older run left, so that nothing of it is taken for this one's."""
        for old in self.run_dir.glob("*.json"):
            if old.with_suffix(".pdparams").exists():
                checkpoint.remove(old.with_suffix(""))
        self.dictionary.to_file(self.run_dir / DICTIONARY)
        write_text(self.run_dir / "config.yml", named_dictionary(self.config).to_yaml())

    def _epochs(self) -> int:
        minutes = self.settings.train_minutes
        if minutes is None:
            return self.settings.epoch_num
        trial = self._trainer(epochs=100)
        step = 0

        def train_on(batch: Batch) -> None:
            nonlocal step
            trial.update(self.loader.read(batch, epoch=0), step, learning_rate=1e-4)
            step += 1

        return epochs_within(minutes, self.plan_epoch(1), train_on, self._eval_pixels_per_epoch())

    def _eval_pixels_per_epoch(self) -> float:
        if self.validation is None:
            return 0.0
        sizes = np.maximum(self.validation.sizes, 1)  # 0 where unreadable
        pixels = float(self.preprocess.buckets_of(sizes).sum())
        every = self.settings.eval_batch_epoch
        if every:
            return pixels / every
        return pixels * len(self.plan_epoch(1)) / self.settings.eval_batch_step[1]

    def _trainer(self, epochs: int) -> Trainer:
        """Builds network and optimiser from the seed, so that every start is the same."""
        paddle.seed(self.settings.seed)
        np.random.seed(self.settings.seed)  # some of paddle's initialisers use it
        allowed = self.config.allowed_parts
        model = build_model(self.config.architecture, self.dictionary.num_classes, allowed)
        if self.settings.use_sync_bn:
            model = synchronise(model, self.parallel)
        model.train()
        return Trainer(
            self.config,
            self.run_dir,
            model=model,
            loss=build_loss(self.config.loss, allowed),
            optimizer=build_optimizer(self.config.optimizer, model),
            loader=self.loader,
            plan_epoch=self.plan_epoch,
            length=RunLength(len(self.plan_epoch(1)), epochs),
            evaluate=self._evaluation(model),
            log=self.log,
            parallel=self.parallel,
            texts_of=texts_of(self.decode, self.dictionary, self.reading),
        )

    def _evaluation(self, model: Any) -> Evaluate | None:
        """Returns the evaluation that runs during training; None without Eval data."""
        if self.validation is None:
            return None
        forward = forward_of(sub_network(model, self.reading))
        recognizer = Recognizer(self.preprocess, self.dictionary, forward, decode=self.decode)
        metric = RecMetric.of(self.config.metric)
        return build_evaluation(recognizer, self.validation, metric, self.parallel)

    def _announce(self, plan: RunPlan, trainer: Trainer) -> None:
        parameters = sum(int(np.prod(p.shape)) for p in trainer.model.parameters())
        minutes = self.settings.train_minutes
        about = "" if minutes is None else f"about {minutes:g} minutes, first taken for "
        self.log.info(
            f"{parameters / 1e6:.2f} M parameters, {plan.samples} samples, "
            f"{trainer.length.steps_per_epoch} steps an epoch, {about}{plan.epochs} epochs"
        )
        for sentence in trainer.describe():
            self.log.info(sentence)
        if trainer.next_pace() is None:
            self.log.info(f"nothing to do: the run in {self.run_dir} is complete")
        elif trainer.position.global_step:
            where = f"epoch {trainer.position.epoch}, step {trainer.position.global_step}"
            self.log.info(f"going on from {where}")
