"""Reads, augments and stacks batches ahead of the training step.

Every sample's random numbers come from (seed, epoch, position), so a batch is the same
whichever process loads it: one thread, eight processes, or the process that resumes after a crash.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ocr_lib.data.augment.base import Augmentation
from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.dataset import Dataset, Sample
from ocr_lib.data.image import Preprocess, decode_image
from ocr_lib.data.loading.batches import Batch
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.data.loading.sample_table import LearnableSamples
from ocr_lib.errors import DataError, UserError
from ocr_lib.workers import DaemonThread, end_pool, worker_pool

BATCH_TIMEOUT_S = 900.0  # of one batch; a storage that stands still for as long is away
CLOSE_TIMEOUT_S = 10.0  # for batches that are being read when the loader ends
AHEAD = 4  # batches loaded in advance by each worker
MAX_BAD_SHARE = 0.01


@dataclass(frozen=True)
class LoadedBatch:
    """One batch, ready for the network.

    Attributes:
        arrays: `image` float32 [N, C, H, W], what `LabelEncoder.encode` gives, and `valid_ratio`
            float32 [N], the share of the width that is image.
        labels: the texts as the network would write them.
        bad: one message for each sample that could not be read and was left out.
    """

    arrays: dict[str, NDArray[np.generic]]
    labels: tuple[str, ...]
    bad: tuple[str, ...]


@dataclass(frozen=True)
class BatchBuilder:
    """Makes one batch; plain data and functions, so that it can be sent to another process.

    Attributes:
        dataset: labelled images.
        samples: which of them are used, and the CTC steps of each padded width.
        preprocess: the network's input.
        augment: changes a decoded image.
        join: puts other samples beside one, before augmentation; None leaves lines alone.
        label_encoder: encodes labels.
        seed: the run's seed.
    """

    dataset: Dataset
    samples: LearnableSamples
    preprocess: Preprocess
    augment: Augmentation
    join: RecConAug | None
    label_encoder: LabelEncoder
    seed: int

    def read(self, batch: Batch, epoch: int) -> LoadedBatch:
        """Reads the samples of `batch`; one that cannot be read is left out and reported."""
        preprocess = self._preprocess(batch)
        images, labels, bad = [], [], []
        for index in batch.indices:
            rng = np.random.default_rng([self.seed, epoch, index])
            try:
                image, label = self._line(index, batch.width / preprocess.height, batch.width, rng)
            except UserError as error:
                bad.append(str(error))
                continue
            images.append(preprocess.fit(self.augment(image, rng), batch.width))
            labels.append(label)
        if not images:
            return LoadedBatch({}, (), tuple(bad))
        arrays: dict[str, NDArray[np.generic]] = {
            "image": preprocess.batch(images, batch.width),
            "valid_ratio": np.array([i.shape[1] / batch.width for i in images], np.float32),
            **self.label_encoder.encode(labels),
        }
        # An image can have several reading orders. The network is taught what the image shows; the
        # metric compares with the order in which the network would write it.
        canonical = self.label_encoder.dictionary.canonical
        return LoadedBatch(arrays, tuple(map(canonical, labels)), tuple(bad))

    def _preprocess(self, batch: Batch) -> Preprocess:
        """Returns what makes images of the batch's height, where that is not the network's own."""
        if not batch.height:
            return self.preprocess
        return replace(self.preprocess, height=batch.height, buckets=(batch.width,))

    def _line(
        self, index: int, room: float, width: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], str]:
        """Returns a decoded sample, joined with others where that is asked for and learnable.

        Args:
            index: its position.
            room: width over height of the batch.
            width: of the batch, px.
            rng: of the sample.
        """
        sample = self.dataset.sample(index, rng)
        image = self.preprocess.turned(decode_image(sample.image, sample.name))
        if self.join is None:
            return image, sample.label
        joined, label = self.join(
            image,
            sample.label,
            rng,
            self._another,
            room,
            self.preprocess.turned,
            self.label_encoder.dictionary.right_to_left,
        )
        if self.label_encoder.usable(label, self.samples.time_steps[width]):
            return image, sample.label
        return joined, label

    def _another(self, rng: np.random.Generator) -> Sample:
        """Draws a usable sample."""
        usable = self.samples.usable
        return self.dataset.sample(usable[int(rng.integers(len(usable)))], rng)


class _Worker:
    """A worker process's reader: sent once, not with every batch."""

    reader: BatchBuilder

    @classmethod
    def start(cls, reader: BatchBuilder) -> None:
        cls.reader = reader

    @classmethod
    def read(cls, batch: Batch, epoch: int) -> LoadedBatch:
        return cls.reader.read(batch, epoch)


class DataLoader:
    """Loads planned batches ahead of time, in order.

    Args:
        reader: makes one batch.
        num_workers: processes; 0 means one thread of this process (OpenCV and numpy release
            the interpreter's lock for most of the work).
    """

    def __init__(self, reader: BatchBuilder, num_workers: int) -> None:
        self._reader = reader
        self._workers = max(1, num_workers)
        self._pool: Executor = (
            worker_pool(num_workers, _Worker.start, reader)
            if num_workers
            else DaemonThread("loader")
        )
        self._read = _Worker.read if num_workers else reader.read
        self._submitted: set[Future[LoadedBatch]] = set()  # and not done
        self._seen = self._bad = 0

    def read(self, batch: Batch, epoch: int) -> LoadedBatch:
        """Loads one batch here and now."""
        return self._reader.read(batch, epoch)

    def batches(self, plan: Sequence[Batch], epoch: int) -> Iterator[LoadedBatch]:
        """Yields the batches of `plan` in its order; batches without a readable sample too.

        Raises:
            DataError: more than 1 % of the samples read so far (and at least 10) are bad, or
                reading a batch took longer than any storage needs.
        """
        waiting: deque[Future[LoadedBatch]] = deque()
        todo = iter(plan)
        try:
            while True:
                while len(waiting) < AHEAD * self._workers and (batch := next(todo, None)):
                    waiting.append(self._submit(batch, epoch))
                if not waiting:
                    return
                loaded = self._result(waiting.popleft())
                self._count(loaded)
                yield loaded
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, batch: Batch, epoch: int) -> Future[LoadedBatch]:
        future = self._pool.submit(self._read, batch, epoch)
        self._submitted.add(future)
        future.add_done_callback(self._submitted.discard)
        return future

    @staticmethod
    def _result(future: Future[LoadedBatch]) -> LoadedBatch:
        try:
            return future.result(BATCH_TIMEOUT_S)
        except TimeoutError:
            if future.done():
                raise  # the reader's own
            cause = f"a batch has not been read within {BATCH_TIMEOUT_S:.0f} s"
            raise DataError("Train.dataset", cause, "Look at the storage that it is on") from None

    def close(self) -> None:
        """Ends the workers; those whose storage stands still are killed."""
        end_pool(self._pool, tuple(self._submitted), CLOSE_TIMEOUT_S)

    def _count(self, loaded: LoadedBatch) -> None:
        self._seen += len(loaded.labels) + len(loaded.bad)
        self._bad += len(loaded.bad)
        if self._bad >= 10 and self._bad > MAX_BAD_SHARE * self._seen:
            raise DataError(
                "Train.dataset",
                f"{self._bad} of {self._seen} samples cannot be read, the last: {loaded.bad[-1]}",
                "Run `ocr fsck` on the data set, or pack it again",
            )
