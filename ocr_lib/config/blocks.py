"""The blocks Optimizer, Train and Eval."""

from dataclasses import dataclass, field
from typing import Any

from ocr_lib.config.checks import (
    above,
    at_least,
    checked_arguments,
    known_keys,
    known_part,
    one_of,
)
from ocr_lib.config.names import (
    DATASETS,
    KEPT_DATASET,
    KEPT_LOADER,
    LR_REQUIRED,
    LR_SCHEDULES,
    OPTIMIZERS,
    OTHER_TRANSFORMS,
    REGULARIZERS,
    SAMPLERS,
    TRANSFORMS,
)
from ocr_lib.config.reader import COLLECTS, Part
from ocr_lib.config.spot import FieldError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """How weights change.

    Attributes:
        name: Adam, AdamW, Momentum, SGD, RMSProp or Adadelta. Default Adam.
        lr: the learning-rate schedule; a block without a name is Const. Default Const 0.001.
        regularizer: L1 or L2 with a factor; unset means none.
        clip_norm: largest norm of each gradient.
        clip_norm_global: largest norm of all gradients together; clip_norm goes before it.
        args: further arguments of the optimiser: beta1, beta2, epsilon, weight_decay, …
    """

    name: str = "Adam"
    lr: Part = field(
        default_factory=lambda: Part("Const", {"learning_rate": 0.001}),
        metadata={"default_name": "Const"},
    )
    regularizer: Part | None = None
    clip_norm: float | None = None
    clip_norm_global: float | None = None
    args: dict[str, Any] = field(default_factory=dict, metadata=COLLECTS)

    def __post_init__(self) -> None:
        one_of(self, "name", OPTIMIZERS)
        args = checked_arguments(self, Part(self.name, self.args), OPTIMIZERS[self.name])
        object.__setattr__(self, "args", args)
        known_part(self, "lr", LR_SCHEDULES, LR_REQUIRED)
        known_part(self, "regularizer", REGULARIZERS)
        above(self, 0, "clip_norm", "clip_norm_global")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetConfig:
    """Where samples come from and what is done to each.

    Attributes:
        name: SimpleDataSet, LMDBDataSet, MultiScaleDataSet or PaddleOCR's aliases of them.
        data_dir: the folder that image paths are relative to, or that holds LMDBs.
        label_file_list: label lists; one text is a list of one. Unused by LMDBDataSet.
        ratio_list: share of each list that an epoch takes; one number counts for all. Default 1.0.
        delimiter: between path and label in a list. Default a tab.
        transforms: what is done to a sample, in order.
        ext_op_transform_idx: accepted; an extra sample (RecConAug) is decoded, as with
            PaddleOCR's 1, and augmented together with the sample it joins.
        ds_width: MultiScaleDataSet: lines of like shape go together. Lists may carry width and
            height, as PaddleOCR's must; the images' own count. Default false.
        args: keys of PaddleOCR that have no meaning here.
    """

    name: str = "SimpleDataSet"
    data_dir: str = "./"
    label_file_list: tuple[str, ...] = ()
    ratio_list: tuple[float, ...] = (1.0,)
    delimiter: str = "\t"
    transforms: tuple[Part, ...] = ()
    ext_op_transform_idx: int | None = None
    ds_width: bool = False
    args: dict[str, Any] = field(default_factory=dict, metadata=COLLECTS)

    def __post_init__(self) -> None:
        one_of(self, "name", DATASETS)
        self._check_ratios()
        known_keys(self, self.args, KEPT_DATASET)
        for i, part in enumerate(self.transforms):
            self._check_transform(f"transforms.{i}", part.name)

    def _check_transform(self, field: str, name: str) -> None:
        if name in OTHER_TRANSFORMS:
            cause = f"is {name}, of an algorithm that this project does not have"
            raise FieldError(self, field, cause, "Choose another algorithm: ocr config list")
        if ":" not in name and name not in TRANSFORMS:
            cause = f"is {name!r}, which is not known"
            raise FieldError(self, field, cause, nearest(name, TRANSFORMS))

    def _check_ratios(self) -> None:
        ratios, files = self.ratio_list, len(self.label_file_list)
        if len(ratios) == 1:
            object.__setattr__(self, "ratio_list", ratios * max(1, files))
        elif files and len(ratios) != files:
            cause = f"has {len(ratios)} entries for {files} label lists"
            raise FieldError(self, "ratio_list", cause, "Write one a list, or one number")

    @property
    def kind(self) -> str:
        """The name with PaddleOCR's aliases resolved."""
        return DATASETS[self.name]

    @property
    def named(self) -> bool:
        """Whether samples are named at all: a configuration without validation has none in Eval."""
        return bool(self.label_file_list) or self.kind == "LMDBDataSet"

    def transform(self, name: str) -> Part | None:
        """Returns the first transform of that name, or None."""
        return next((part for part in self.transforms if part.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderConfig:
    """How samples are put into batches.

    Attributes:
        batch_size_per_card: images a batch and process. Default 128.
        shuffle: a new order each epoch. Default false.
        drop_last: leave out an incomplete last batch. Default false.
        num_workers: reading processes; 0 reads in the training process. Default 4.
        kept: keys of PaddleOCR that have no meaning here.
    """

    batch_size_per_card: int = 128
    shuffle: bool = False
    drop_last: bool = False
    num_workers: int = 4
    kept: dict[str, Any] = field(default_factory=dict, metadata=COLLECTS)

    def __post_init__(self) -> None:
        known_keys(self, self.kept, KEPT_LOADER)
        at_least(self, 1, "batch_size_per_card")
        at_least(self, 0, "num_workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """The samples of Train or of Eval.

    Attributes:
        dataset: where they come from.
        sampler: a batch sampler (MultiScaleSampler); unset means plain batches.
        loader: how they are put into batches.
    """

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    sampler: Part | None = None
    loader: LoaderConfig = field(default_factory=LoaderConfig)

    def __post_init__(self) -> None:
        known_part(self, "sampler", SAMPLERS)
