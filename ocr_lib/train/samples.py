"""Which samples can be learnt, found out once before training instead of in every epoch."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocr_lib.config.geometry import time_steps
from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import Dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.errors import DataError
from ocr_lib.train.log import RunLog
from ocr_lib.train.targets import Targets


@dataclass(frozen=True)
class Samples:
    """The usable samples of a data set.

    Attributes:
        widths: int32 [len(dataset)], padded width of each sample in px.
        indices: int64 [usable], their positions.
        time_steps: padded width in px → CTC steps in training.
        reference_width: up to this width a batch holds the full number of samples: the width
            that three quarters of the samples do not exceed, px.
    """

    widths: NDArray[np.int32]
    indices: NDArray[np.int64]
    time_steps: dict[int, int]
    reference_width: int


def select_samples(
    dataset: Dataset, config: Config, preprocess: Preprocess, targets: Targets, log: RunLog
) -> Samples:
    """Checks every label against the dictionary, the length limit and the network's time steps.

    Raises:
        DataError: no sample is left.
    """
    widths = preprocess.buckets_of(np.maximum(dataset.sizes, 1))  # 0 where unreadable
    steps = {
        w: time_steps(config.architecture, w, training=True) for w in map(int, np.unique(widths))
    }
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
    if not usable:
        raise DataError(
            "Train.dataset",
            f"no sample is left of {len(widths)} ({dict(dropped)})",
            "check the dictionary (Global.character_dict_path) and Global.max_text_length",
        )
    indices = np.array(usable, np.int64)
    reference = int(np.quantile(widths[indices], 0.75))
    return Samples(widths, indices, steps, reference)
