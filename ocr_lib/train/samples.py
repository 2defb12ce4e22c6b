"""Which samples can be learnt, found out once before training instead of in every epoch."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.geometry import fixed_columns
from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import Dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.errors import DataError
from ocr_lib.train.log import RunLog
from ocr_lib.train.multi_scale import MultiScale
from ocr_lib.train.steps import training_steps
from ocr_lib.train.targets import TOO_FEW_STEPS, Targets


@dataclass(frozen=True)
class Samples:
    """The usable samples of a data set.

    Attributes:
        widths: int32 [len(dataset)], padded width of each sample in px; where batches have several
            sizes, the least.
        indices: int64 [usable], their positions.
        time_steps: padded width in px → CTC steps in training.
        reference_width: up to this width a batch holds the full number of samples: the width
            that three quarters of the samples do not exceed, px.
    """

    widths: NDArray[np.int32]
    indices: NDArray[np.int64]
    time_steps: dict[int, int]
    reference_width: int

    @property
    def digest(self) -> str:
        """Returns a digest: equal ones plan equal batches."""
        content = self.widths.tobytes() + self.indices.tobytes()
        return hashlib.sha256(content).hexdigest()


def select_samples(
    dataset: Dataset,
    config: Config,
    preprocess: Preprocess,
    targets: Targets,
    log: RunLog,
    scales: MultiScale | None = None,
) -> Samples:
    """Checks every label against the dictionary, the length limit and the network's time steps.

    Raises:
        DataError: no sample is left.
    """
    sizes = np.maximum(dataset.sizes, 1)  # 0 where unreadable
    if scales is None:
        widths = preprocess.buckets_of(sizes)
        occurring = [(preprocess.height, w) for w in map(int, np.unique(widths))]
    else:
        widths, occurring = scales.least_widths(sizes), scales.image_sizes()
    steps = training_steps(config, occurring, preprocess.channels, targets)
    dropped: Counter[str] = Counter()
    usable = []
    for index, label in enumerate(dataset.labels()):
        reason = targets.usable(label, steps[int(widths[index])])
        if reason:
            dropped[reason] += 1
        else:
            usable.append(index)
    for reason, count in dropped.most_common():
        log.info(f"{count} of {len(widths)} training samples left out: label {reason}")
    columns = fixed_columns(config.architecture)
    if dropped[TOO_FEW_STEPS] and columns is not None:
        log.info(
            f"in training the network pools every image to {columns} columns, as PaddleOCR's does, "
            f"so no label of more steps can be learnt; with Architecture.Backbone.train_columns= "
            f"(unset) the image's width decides"
        )
    if not usable:
        raise DataError(
            "Train.dataset",
            f"no sample is left of {len(widths)} ({dict(dropped)})",
            "check the dictionary (Global.character_dict_path) and Global.max_text_length",
        )
    indices = np.array(usable, np.int64)
    reference = int(np.quantile(widths[indices], 0.75))
    return Samples(widths, indices, steps, reference)
