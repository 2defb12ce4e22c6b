"""Which samples can be learnt, found out once before training instead of in every epoch."""

from collections import Counter

import numpy as np

from ocr_lib.algorithms.ctc_steps import fixed_columns
from ocr_lib.algorithms.label_limit import label_limit
from ocr_lib.data.dataset import Dataset
from ocr_lib.data.loading.label_encoder import EMPTY, TOO_FEW_STEPS, TOO_LONG, LabelEncoder
from ocr_lib.data.loading.sample_table import SampleTable
from ocr_lib.data.positions import Positions
from ocr_lib.errors import DataError
from ocr_lib.text.unicode_form import character_names
from ocr_lib.training.ctc_lengths import ctc_lengths
from ocr_lib.training.log import RunLog
from ocr_lib.training.plan import TrainPlan


def select_samples(
    dataset: Dataset, plan: TrainPlan, label_encoder: LabelEncoder, log: RunLog
) -> SampleTable:
    """Checks every label against the dictionary, the length limit and the network's time steps.

    Args:
        dataset: the training samples.
        plan: the run: its network and its image sizes.
        label_encoder: encodes labels.
        log: says how many are left out, and why.

    Raises:
        DataError: no sample is left.
    """
    preprocess = plan.preprocess
    sizes = preprocess.turned_sizes(np.maximum(dataset.sizes, 1))  # 0 where unreadable
    if plan.scales is None:
        widths = preprocess.buckets_of(sizes)
        occurring = [(preprocess.height, w) for w in map(int, np.unique(widths))]
    else:
        widths, occurring = plan.scales.least_widths(sizes), plan.scales.image_sizes()
    steps = ctc_lengths(plan, occurring, preprocess.channels, label_encoder)
    dropped: Counter[str] = Counter()
    usable = np.ones(len(widths), bool)
    longest = 0
    lost = _LostCharacters()
    for index, label in enumerate(dataset.labels()):
        reason, unknown = label_encoder.check(label, steps[int(widths[index])])
        if reason:
            dropped[reason] += 1
            longest = max(longest, len(label) if reason == TOO_LONG else 0)
            usable[index] = False
        else:
            lost.add(unknown)
    for reason, count in dropped.most_common():
        log.info(f"{count} of {len(widths)} training samples left out: label {reason}")
    if longest:
        fix = label_limit(plan.config).fix(longest)
        log.info(f"labels have up to {longest} characters. {fix} to keep all of them")
    lost.report(log, len(widths))
    columns = fixed_columns(plan.architecture)
    if dropped[TOO_FEW_STEPS] and columns is not None:
        log.info(
            f"in training the network pools every image to {columns} columns, as PaddleOCR's does, "
            f"so no label of more steps can be learnt; with Architecture.Backbone.train_columns= "
            f"(unset) the image's width decides"
        )
    if not usable.any():
        cause = f"no sample is left of {len(widths)} ({dict(dropped)})"
        raise DataError("Train.dataset", cause, _fix(dropped, longest, columns, plan))
    reference = int(np.quantile(widths[usable], 0.75))
    return SampleTable(widths, Positions.of_mask(usable), steps, reference)


def _fix(dropped: Counter[str], longest: int, columns: int | None, plan: TrainPlan) -> str:
    """Returns what to change where no sample is left, by the reason that dropped most."""
    (reason, _), *_ = dropped.most_common(1) or [(EMPTY, 0)]
    if reason == TOO_LONG:
        return label_limit(plan.config).fix(longest)
    if reason == TOO_FEW_STEPS and columns is not None:
        return "Set Architecture.Backbone.train_columns to null, so that the width decides"
    if reason == TOO_FEW_STEPS:
        return "Use a wider image_shape or Global.width_buckets, or a network with more steps"
    return "Check the dictionary (Global.character_dict_path)"


class _LostCharacters:
    """Counts labels of which training learns only a part."""

    def __init__(self) -> None:
        self._labels = 0
        self._characters: Counter[str] = Counter()

    def add(self, unknown: list[str]) -> None:
        """Counts one label, by its characters that the dictionary lacks."""
        self._labels += bool(unknown)
        self._characters.update(unknown)

    def report(self, log: RunLog, total: int) -> None:
        """Logs how many of `total` labels lose characters, and which."""
        if self._labels:
            names = character_names(c for c, _ in self._characters.most_common())
            log.info(
                f"{self._labels} of {total} training labels lose characters that the dictionary "
                f"lacks: {names}"
            )
