"""The data of a run: training batches, validation samples, and the characters of both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocr_lib.config.characters import as_trained, trained_dictionary
from ocr_lib.data.concat import Selection, every_label
from ocr_lib.data.dataset import Dataset, open_dataset
from ocr_lib.data.loading.batches import Batch, EpochPlan, plan_epoch, shard
from ocr_lib.data.loading.dataloader import BatchBuilder, DataLoader, LoadedBatch
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.data.loading.sample_table import SampleTable
from ocr_lib.data.roles import MAX_READ, NOT_TRAIN, NOT_VALIDATION, lowest_hashes
from ocr_lib.data.transforms import build_augmentation, build_concatenation
from ocr_lib.errors import DataError
from ocr_lib.text.dictionary import Charset
from ocr_lib.training.log import RunLog
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import TrainPlan
from ocr_lib.training.run_dir import RUN_RECORD
from ocr_lib.training.sample_filter import select_samples


class TrainLoader:
    """The training batches of one rank.

    Args:
        plan: the run.
        dataset: the training samples.
        label_encoder: encodes their labels.
        log: says which samples are left out.
        parallel: the processes, which share the batches of an epoch.

    Raises:
        DataError: no sample can be learnt.
    """

    def __init__(
        self,
        plan: TrainPlan,
        dataset: Dataset,
        label_encoder: LabelEncoder,
        log: RunLog,
        parallel: Parallel,
    ) -> None:
        self._plan = plan
        self._dataset = dataset
        self._label_encoder = label_encoder
        self._log = log
        self._parallel = parallel
        self._samples = self._select()
        self._epoch = 0  # whose share of a ratio below 1 is drawn
        self._loader = self._open_loader()

    def _open_loader(self) -> DataLoader:
        """Returns a loader whose workers know the samples that are drawn now."""
        plan = self._plan
        transforms = plan.train.dataset.transforms
        reader = BatchBuilder(
            dataset=self._dataset,
            samples=self._samples.learnable,
            preprocess=plan.preprocess,
            augment=build_augmentation(transforms, plan.allowed_parts),
            join=build_concatenation(transforms, plan.settings.max_text_length),
            label_encoder=self._label_encoder,
            seed=plan.settings.seed,
        )
        return DataLoader(reader, plan.train.loader.num_workers)

    @property
    def sample_count(self) -> int:
        """Samples used in each epoch, by all ranks."""
        return len(self._samples.usable)

    @property
    def digest(self) -> str:
        """Digest of the samples: equal ones plan equal batches."""
        return self._samples.digest

    def plan_epoch(self, epoch: int) -> EpochPlan:
        """Returns this rank's batches of an epoch (from 1): always the same for the same epoch."""
        if epoch != self._epoch and self._dataset.resample(epoch):
            self._samples = self._select()
            self._loader.close()  # its workers hold the former share
            self._loader = self._open_loader()
        self._epoch = epoch
        return shard(self._all_batches(epoch), self._parallel.rank, self._parallel.world_size)

    def load(self, batches: Sequence[Batch], epoch: int) -> Iterator[LoadedBatch]:
        """Yields batches in order, loaded ahead; see `DataLoader.batches`."""
        return self._loader.batches(batches, epoch)

    def load_now(self, batch: Batch, epoch: int) -> LoadedBatch:
        """Loads one batch here and now."""
        return self._loader.read(batch, epoch)

    def dummy_batch(self, epoch: int) -> LoadedBatch:
        """Returns a batch for a rank that has no readable one: all ranks run in step.

        Raises:
            DataError: no batch of the epoch has a readable sample.
        """
        for batch in self.plan_epoch(epoch):
            loaded = self.load_now(batch, epoch)
            if loaded.labels:
                return loaded
        raise DataError("Train.dataset", "no batch has a readable line", "Run `ocr fsck` on it")

    def close(self) -> None:
        """Ends the workers."""
        self._loader.close()

    def _all_batches(self, epoch: int) -> EpochPlan:
        """Returns the batches of all ranks."""
        settings, loader = self._plan.settings, self._plan.train.loader
        if self._plan.scales is not None:
            sizes = np.maximum(self._dataset.sizes, 1)  # 0 where unreadable
            sizes = self._plan.preprocess.turned_sizes(sizes)
            return self._plan.scales.plan(sizes, self._samples.indices, settings.seed, epoch)
        return plan_epoch(
            self._samples.widths,
            self._samples.indices,
            batch_size=loader.batch_size_per_card,
            reference_width=self._samples.reference_width,
            seed=settings.seed,
            epoch=epoch,
            shuffle=loader.shuffle,
            narrow_first=epoch <= settings.narrow_first_epochs,
            drop_last=loader.drop_last,
        )

    def _select(self) -> SampleTable:
        return select_samples(self._dataset, self._plan, self._label_encoder, self._log)


@dataclass(frozen=True)
class DataLoaders:
    """What a run reads.

    Attributes:
        charset: the characters that the run trains on.
        train: the training batches of this rank.
        validation: the validation samples; None where the configuration names none.
    """

    charset: Charset
    train: TrainLoader
    validation: Dataset | None

    def close(self) -> None:
        """Ends the workers."""
        self.train.close()


def build_data(
    plan: TrainPlan, log: RunLog, parallel: Parallel, *, fresh: bool = False
) -> DataLoaders:
    """Opens the data of a run.

    Args:
        plan: the run.
        log: its log.
        parallel: its processes.
        fresh: whether it starts over; else labels keep the order that a run in its directory has.

    Raises:
        ConfigError: two heads need labels of different codes, or a transform is wrong.
        DataError: no sample can be learnt.
        LabelError, LmdbError: a data set is missing, damaged, or of a role that is refused.
    """
    dataset = open_dataset(plan.train, NOT_TRAIN)
    charset = trained_dictionary(plan.config, every_label(dataset))
    if not fresh:
        charset = _as_begun(charset, plan, log, parallel)
    loader = TrainLoader(plan, dataset, LabelEncoder.of(plan.config, charset), log, parallel)
    return DataLoaders(charset, loader, open_validation(plan, log))


def _as_begun(charset: Charset, plan: TrainPlan, log: RunLog, parallel: Parallel) -> Charset:
    """Returns the characters in the direction that the run in the run directory was begun with.

    Runs of 0.1 with right-to-left letters were taught labels as they are drawn, see `as_trained`.
    """

    def begun() -> bool:
        if not (plan.run_dir / RUN_RECORD).exists():
            return charset.right_to_left
        name = plan.settings.character_dict_path
        return as_trained(charset, plan.run_dir, name).right_to_left

    right_to_left = parallel.broadcast_from_rank0(begun)
    if charset.right_to_left and not right_to_left:
        log.warning(
            f"{plan.run_dir} holds a run of version 0.1: it goes on with right-to-left labels as "
            "they are drawn, from the left end of the line; --fresh begins one with labels in "
            "reading order"
        )
    return replace(charset, right_to_left=right_to_left)


def open_validation(plan: TrainPlan, log: RunLog) -> Dataset | None:
    """Opens the validation set, the configuration's Eval; None where it names none.

    Of a large one the 20,000 samples with the lowest hashes are read: more cost time and make no
    better choice.
    """
    if plan.validation is None:
        return None
    dataset = open_dataset(plan.validation, NOT_VALIDATION)
    if len(dataset) <= MAX_READ:
        return dataset
    log.info(f"{MAX_READ} of {len(dataset)} validation samples are read: the lowest hashes")
    return Selection(dataset, lowest_hashes(dataset.checksums, MAX_READ))
