"""A whole training run: from a configuration to a run folder, resuming what was begun."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ocr_lib.atomic import write_text
from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import Dataset, open_dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.data.transforms import build_augmentation, build_concatenation
from ocr_lib.errors import CheckpointError, ConfigError
from ocr_lib.evaluate import evaluate
from ocr_lib.losses import build_loss
from ocr_lib.models import build_model
from ocr_lib.recognize import Recognizer
from ocr_lib.train import checkpoint, weights
from ocr_lib.train.batches import Batch, plan_epoch
from ocr_lib.train.loader import BatchReader, Loader
from ocr_lib.train.log import RunLog
from ocr_lib.train.optimizer import build_optimizer
from ocr_lib.train.plan import RunPlan, epochs_within
from ocr_lib.train.position import Position
from ocr_lib.train.run_folder import LATEST, config_digest, dictionary_of
from ocr_lib.train.samples import Samples, select_samples
from ocr_lib.train.schedule import RunLength
from ocr_lib.train.support import not_applied, refuse_untrainable
from ocr_lib.train.targets import Guide, Targets
from ocr_lib.train.trainer import Evaluate, Trainer


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
    checkpoint; a finished one is left as it is.

    Args:
        config: the configuration.
        fresh: begin anew in a folder that holds a run already.
        quiet: log to the run folder only.

    Raises:
        ConfigError: the folder holds a run of another configuration, or the data cannot be used.
        CheckpointError: a checkpoint to start from is missing or does not fit.
        TrainingError: the loss is not finite.
    """
    refuse_untrainable(config)
    with closing(RunLog(Path(config.global_.save_model_dir), quiet)) as log:
        run = _Run(config, log)
        with closing(run.loader):
            return run.train(fresh)


class _Run:
    """The parts of a run, put together."""

    def __init__(self, config: Config, log: RunLog) -> None:
        self.config = config
        self.log = log
        self.settings = config.global_
        self.run_dir = Path(self.settings.save_model_dir)
        self.dictionary = dictionary_of(config)
        self.preprocess = Preprocess.from_config(config)
        self.dataset = open_dataset(config.train)
        self.targets = Targets(self.dictionary, self.settings.max_text_length, _guide(config))
        self.samples = self._select()
        transforms = config.train.dataset.transforms
        reader = BatchReader(
            dataset=self.dataset,
            samples=self.samples,
            preprocess=self.preprocess,
            augment=build_augmentation(transforms),
            join=build_concatenation(transforms, self.settings.max_text_length),
            targets=self.targets,
            seed=self.settings.seed,
        )
        self.loader = Loader(reader, config.train.loader.num_workers)
        self.eval_dataset = _eval_dataset(config)

    def train(self, fresh: bool) -> RunResult:
        started = time.monotonic()
        plan = self._stored_plan(fresh)
        if plan is None:
            plan = RunPlan(self._epochs(), self._digest(), len(self.samples.indices))
            self._begin(plan)
        trainer = self._trainer(plan.epochs)
        self._restore(trainer)
        resumed_from = trainer.position.global_step
        self._announce(plan, trainer)
        position = trainer.run()
        return RunResult(
            run_dir=self.run_dir,
            epochs=position.epoch - 1,
            steps=position.global_step,
            samples=plan.samples,
            best=position.best,
            seconds=time.monotonic() - started,
            resumed_from=resumed_from,
        )

    def plan_epoch(self, epoch: int) -> list[Batch]:
        if self.dataset.resample(epoch):
            self.samples = self._select()
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
        )

    def _select(self) -> Samples:
        return select_samples(self.dataset, self.config, self.preprocess, self.targets, self.log)

    def _digest(self) -> str:
        return config_digest(self.config, self.dictionary)

    def _stored_plan(self, fresh: bool) -> RunPlan | None:
        plan = None if fresh else RunPlan.load(self.run_dir)
        if plan is None:
            return None
        if plan.config_digest != self._digest() or plan.samples != len(self.samples.indices):
            raise ConfigError(
                "Global.save_model_dir",
                f"{self.run_dir} holds a run of another configuration or other data",
                "name another folder, or pass --fresh to begin anew in this one",
            )
        if self.settings.train_minutes is None and plan.epochs != self.settings.epoch_num:
            plan = RunPlan(self.settings.epoch_num, plan.config_digest, plan.samples)
            plan.save(self.run_dir)  # training longer (or shorter) than planned is a wish
        return plan

    def _begin(self, plan: RunPlan) -> None:
        """Clears what an older run left, so that nothing of it is taken for this one's."""
        for old in self.run_dir.glob("*.json"):
            if old.with_suffix(".pdparams").exists():
                checkpoint.remove(old.with_suffix(""))
        write_text(self.run_dir / "config.yml", self.config.to_yaml())
        plan.save(self.run_dir)

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
        if self.eval_dataset is None:
            return 0.0
        sizes = np.maximum(self.eval_dataset.sizes, 1)  # 0 where unreadable
        pixels = float(self.preprocess.buckets_of(sizes).sum())
        every = self.settings.eval_batch_epoch
        if every:
            return pixels / every
        return pixels * len(self.plan_epoch(1)) / self.settings.eval_batch_step[1]

    def _trainer(self, epochs: int) -> Trainer:
        """Builds network and optimiser from the seed, so that every start is the same."""
        paddle.seed(self.settings.seed)
        np.random.seed(self.settings.seed)  # some of paddle's initialisers use it
        model = build_model(self.config.architecture, self.dictionary.num_classes)
        model.train()
        return Trainer(
            self.config,
            self.run_dir,
            model=model,
            loss=build_loss(self.config.loss),
            optimizer=build_optimizer(self.config.optimizer, model),
            loader=self.loader,
            plan_epoch=self.plan_epoch,
            length=RunLength(len(self.plan_epoch(1)), epochs),
            evaluate=self._evaluation(model),
            log=self.log,
            dictionary=self.dictionary,
        )

    def _evaluation(self, model: Any) -> Evaluate | None:
        """Returns the evaluation that runs during training: the same code as everywhere else."""
        dataset = self.eval_dataset
        if dataset is None:
            return None
        recognizer = Recognizer(self.preprocess, self.dictionary, forward_of(model))
        suffix = "_ignore_space" if self.config.metric.args.get("ignore_space", True) else ""

        def run() -> dict[str, float]:
            report = evaluate(recognizer, dataset, worst=0, quiet=True)
            names = ("acc", "norm_edit_dis")
            values = {name: float(report.paddleocr[name + suffix]) for name in names}
            return {**values, "fps": report.samples / max(report.seconds, 1e-9)}

        return run

    def _restore(self, trainer: Trainer) -> None:
        """Takes up the run's own last checkpoint, else what the configuration names."""
        own = self.run_dir / LATEST
        if checkpoint.exists(own):
            self._resume(trainer, own)
        elif self.settings.checkpoints:
            self._resume(trainer, checkpoint.without_suffix(self.settings.checkpoints))
        elif self.settings.pretrained_model:
            prefix = checkpoint.without_suffix(self.settings.pretrained_model)
            share = 0.0 if self.settings.allow_partial_load else weights.MIN_MATCHED
            saved = checkpoint.load(prefix)
            found = weights.load_into(trainer.model, saved.params, str(prefix), share)
            self.log.info(f"pretrained weights from {prefix}: {found.describe()}")

    def _resume(self, trainer: Trainer, prefix: Path) -> None:
        saved = checkpoint.load(prefix)
        weights.load_into(trainer.model, saved.params, str(prefix), min_share=1.0)
        if not saved.optimizer:
            raise CheckpointError(
                f"{prefix}.pdopt",
                "the optimiser's state is missing, so the run cannot go on from here",
                "use Global.pretrained_model to start a new run from the weights",
            )
        state = weights.optimizer_state_for(trainer.model, saved.optimizer, saved.params)
        trainer.optimizer.set_state_dict(state)
        trainer.position = Position.from_states(saved.states)

    def _announce(self, plan: RunPlan, trainer: Trainer) -> None:
        parameters = sum(int(np.prod(p.shape)) for p in trainer.model.parameters())
        minutes = self.settings.train_minutes
        about = "" if minutes is None else f"about {minutes:g} minutes, first taken for "
        self.log.info(
            f"{parameters / 1e6:.2f} M parameters, {plan.samples} samples, "
            f"{trainer.length.steps_per_epoch} steps an epoch, {about}{plan.epochs} epochs"
        )
        for sentence in not_applied(self.config):
            self.log.info(sentence)
        if trainer.next_pace() is None:
            self.log.info(f"nothing to do: the run in {self.run_dir} is complete")
        elif trainer.position.global_step:
            where = f"epoch {trainer.position.epoch}, step {trainer.position.global_step}"
            self.log.info(f"going on from {where}")


def forward_of(model: Any) -> Any:
    """Wraps a paddle network for `Recognizer`: float32 [N, C, H, W] → probabilities [N, T, K]."""

    def forward(images: np.ndarray) -> np.ndarray:
        with paddle.no_grad():
            output: np.ndarray = model(paddle.to_tensor(images)).numpy()
        return output

    return forward


def _eval_dataset(config: Config) -> Dataset | None:
    dataset = config.eval.dataset
    named = dataset.label_file_list or dataset.kind == "LMDBDataSet"
    return open_dataset(config.eval) if named else None


def _guide(config: Config) -> Guide:
    """Returns which head guides CTC, as the architecture's head list says."""
    heads = config.architecture.get("Head", {}).get("head_list", [])
    names = {name for head in heads for name in head}
    return "sar" if "SARHead" in names else "nrtr" if "NRTRHead" in names else "none"
